/**
 * OCSF 1.9: API Activity (6003) with the profiles `ai_operation` and `record_integrity`. The attestation's fingerprint is that of the event
 * itself, as its definition says: SHA-256 over the canonical event without fingerprint and signatures. What is signed is the log. @module
 */
import { sha256 } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { encodeHex } from '../bytes/hex.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { Entry, EntryType } from '../audit/entry.ts';
import { policyMember, textMember, type ExportedLeaf } from './exported-leaf.ts';
import { isObject, jsonLines, placeOf, type RecordFormat } from './record-format.ts';

const version = '1.9.0';
const classUid = 6003;
/** Of the class: 1 Create, 2 Read, 3 Update, 4 Delete. None of them says what a tool does, so a call is 99, with its name beside it. */
const activities: Partial<Record<EntryType, readonly [id: number, name: string]>> = {
  'capability.issued': [1, 'Create'],
  'capability.revoked': [4, 'Delete'],
  'key.bound': [1, 'Create'],
  'key.revoked': [4, 'Delete'],
  erasure: [4, 'Delete'],
};
/** LangChain has a number in `ai_agent.type_id`; other frameworks are 99 by name. */
const langchain = 2;

export function ocsfFormat(): RecordFormat {
  return jsonLines({
    record: (leaf, size) => attested(eventOf(leaf, size)),
    place({ unmapped }) {
      const talos = isObject(unmapped) ? unmapped['talos'] : undefined;
      return isObject(talos) ? placeOf(talos['origin'], talos['index'], talos['tree_size']) : undefined;
    },
  });
}

function eventOf(leaf: ExportedLeaf, size: number): JsonObject {
  const { origin, index, leafHash, entry } = leaf;
  const [activity, name] = activities[entry.type] ?? [99, entry.type];
  const agent = textMember(entry, 'agent') || origin;
  const call = textMember(entry, 'call') || textMember(entry, 'gen_ai.tool.call.id');
  const capability = textMember(entry, 'cap');
  return {
    activity_id: activity,
    activity_name: name,
    category_uid: 6,
    category_name: 'Application Activity',
    class_uid: classUid,
    class_name: 'API Activity',
    type_uid: classUid * 100 + activity,
    time: Date.parse(entry.time),
    severity_id: entry.type === 'policy.decision' ? 2 : 1,
    ...statusOf(entry),
    metadata: {
      version,
      product: { name: 'Talos', vendor_name: 'Talos' },
      profiles: ['ai_operation', 'record_integrity'],
      log_name: origin,
      uid: entry.id,
      sequence: index,
      original_time: entry.time,
    },
    actor: { app_uid: agent },
    src_endpoint: { uid: agent },
    api: {
      operation: textMember(entry, 'gen_ai.tool.name') || entry.type,
      ...(call === undefined ? {} : { request: { uid: call } }),
      ...responseOf(entry),
    },
    ai_agent: { uid: agent, instance_uid: entry.recorder, ...frameworkOf(entry) },
    ...(capability === undefined ? {} : { delegation: { uid: capability } }),
    attestation: { uid: leafHash, chain_uid: origin },
    unmapped: { talos: { entry, index, leaf_hash: leafHash, origin, tree_size: size } },
  };
}

function statusOf(entry: Entry): JsonObject {
  const outcome = textMember(entry, 'outcome');
  if (entry.type === 'policy.decision') return { status_id: 2, status: 'Failure', status_code: policyMember(entry, 'code') ?? 'deny' };
  if (outcome === undefined) return { status_id: 0, status: 'Unknown' };
  return outcome === 'ok' ? { status_id: 1, status: 'Success' } : { status_id: 2, status: 'Failure', status_code: outcome };
}

function responseOf(entry: Entry): JsonObject {
  const error = textMember(entry, 'error.type') ?? policyMember(entry, 'code');
  return error === undefined ? {} : { response: { error } };
}

function frameworkOf(entry: Entry): JsonObject {
  const framework = textMember(entry, 'framework');
  if (framework === undefined) return { type_id: 0 };
  return framework === 'langchain' ? { type_id: langchain, type: 'LangChain' } : { type_id: 99, type: framework };
}

function attested(event: JsonObject): JsonObject {
  const value = encodeHex(sha256(encodeUtf8(canonicalJson(event))));
  return { ...event, attestation: { ...(event['attestation'] as JsonObject), fingerprint: { algorithm_id: 3, algorithm: 'SHA-256', value } } };
}
