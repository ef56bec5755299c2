/** Names of tools and the patterns that grants use for them (docs/spec/02 §5). ASCII, case-sensitive, no escapes. @module */
import { maxToolNameLength, maxToolSegmentLength } from './bounds.ts';

/** Up to 128 of MCP's name characters, and not `.` or `..`. */
const segment = `(?!\\.{1,2}(?:/|$))[\\w.-]{1,${maxToolSegmentLength}}`;

/** Segments share no character with the slash between them: one way to match, so linear time. */
const name = /* @__PURE__ */ new RegExp(`^${segment}(?:/${segment})*$`);

/** As a name, with `*` for whole segments and `**` for the last. */
const pattern = /* @__PURE__ */ new RegExp(`^(?:(?:\\*|${segment})/)*(?:\\*\\*?|${segment})$`);

/** `name = seg *( "/" seg )`. Total. */
export function isToolName(text: string): boolean {
  return text.length <= maxToolNameLength && name.test(text);
}

/** A matcher for a pattern: `*` stands for exactly one segment, a last `**` for one or more. Undefined if the text is no pattern. */
export function compileToolPattern(text: string): ((tool: string) => boolean) | undefined {
  if (text.length > maxToolNameLength || !pattern.test(text)) return undefined;
  // Of what a pattern may hold, only the dot and the star mean something to a RegExp.
  const source = text.replace(/\.|\*\*?/g, (found) => (found === '.' ? '\\.' : found === '*' ? '[^/]+' : '.+'));
  const matches = new RegExp(`^${source}$`);
  return (tool) => isToolName(tool) && matches.test(tool);
}
