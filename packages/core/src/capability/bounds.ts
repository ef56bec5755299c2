/** Every bound of a capability token, with its reason (docs/spec/02 §2). @module */

/** UTF-16 units of the compact JWS. It has to fit beside others in one HTTP header block, which servers cap at 16 kB. */
export const maxTokenLength = 8192;

/** Far above what a person reviews, and what a linear scan of patterns still decides in microseconds. */
export const maxGrants = 64;

/** All constraints of one token together: bounds the work of the one admission that an issuer's token buys. */
export const maxConstraints = 256;

/** The deepest shape of our claims has 7 levels; the rest is room for `eq` values and `ext`. */
export const maxJsonDepth = 16;

/** Ids of `aud`: a capability for more places than this is better issued once per place. */
export const maxAudiences = 8;

/** Longest `aud`, `sub` or `task`: a URL or a trace id with room to spare. */
export const maxIdLength = 512;

/** `purpose` is one paragraph for a person; it is never evaluated. */
export const maxPurposeLength = 1024;

/** Links of a chain: each costs a verification and eight hops are more than anybody can oversee. */
export const maxLinks = 8;

/** The deepest `del_max_depth`: a chain of `maxLinks` ends at this depth. */
export const maxDelegationDepth = 7;

/** How deep a verifier goes if it does not say: owner, planner, worker and one helper below. */
export const defaultMaxDepth = 3;

/** Clocks of honest machines differ by this much; both ends of an interval are widened by it. */
export const clockSkewSeconds = 30;

/** What a leaf lives if nobody says otherwise: the time limit is the one revocation that always works. */
export const defaultLifetimeSeconds = 300;

/** A stolen token is useful for a day at most. */
export const maxLifetimeSeconds = 86_400;

/** Characters of a segment of a tool name: MCP's bound. */
export const maxToolSegmentLength = 128;

/** Characters of a whole tool name: eight segments of common length; no framework allows more. */
export const maxToolNameLength = 512;

/** UTF-8 bytes of a `missing` grant: it must fit a token, base64url included, beside the other claims. */
export const maxMissingBytes = 4096;

/** Calls of a rate and of its burst: with the longest period, a bucket's content stays a safe integer of milliseconds × calls. */
export const maxLimitBurst = 100_000;

/** Seconds of the period of a rate: longer ones are a `count`. */
export const maxLimitPeriodSeconds = 86_400;

/** Keys in `approve.by`: more people than this are a group, and need a key of their own. */
export const maxApprovers = 16;

/** How old the news of an issuer's revocations may be if a link does not say: what a leaf lives if nobody says otherwise. */
export const defaultMaxStaleSeconds = 300;
