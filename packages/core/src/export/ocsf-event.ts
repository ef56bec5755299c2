/**
 * OCSF 1.9: API Activity (6003) with the profiles `ai_operation` and `record_integrity`. The attestation's fingerprint is that of the event
 * itself, as its definition says: SHA-256 over the canonical event without fingerprint and signatures. What is signed is the log. @module
 */
import { hashBase64url } from '#suite';
import { decodeBase64url } from '../bytes/base64url.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { encodeHex } from '../bytes/hex.ts';
import type { Entry, EntryType } from '../audit/entry.ts';
import { policyMember, textMember, type ExportedLeaf } from './exported-leaf.ts';
import { isObject, jsonLines, placeOf, type RecordFormat } from './record-format.ts';

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
    record: attestedEvent,
    place({ unmapped }) {
      const talos = isObject(unmapped) ? unmapped['talos'] : undefined;
      return isObject(talos) ? placeOf(talos['origin'], talos['index'], talos['tree_size']) : undefined;
    },
  });
}

/** Canonical JSON, part by part in the order of its members: an object of it would be made, sorted and written twice for each entry. */
function attestedEvent(leaf: ExportedLeaf, size: number): string {
  const before = upToFingerprint(leaf);
  const event = before + fromUid(leaf, size);
  const value = encodeHex(decodeBase64url(hashBase64url(event)));
  // Cut out of the whole, which hashing has made one piece of memory: its parts would be gathered twice.
  return `${event.slice(0, before.length)}"fingerprint":{"algorithm":"SHA-256","algorithm_id":3,"value":"${value}"},${event.slice(before.length)}`;
}

function upToFingerprint({ origin, entry }: ExportedLeaf): string {
  const [activity, name] = activityOf(entry);
  const agent = agentOf(entry, origin);
  const call = textMember(entry, 'call') || textMember(entry, 'gen_ai.tool.call.id');
  const error = textMember(entry, 'error.type') ?? policyMember(entry, 'code');
  return (
    `{"activity_id":${activity},"activity_name":"${name}","actor":{"app_uid":${agent}},` +
    `"ai_agent":{"instance_uid":${canonicalJson(entry.recorder)},${frameworkOf(entry)},"uid":${agent}},` +
    `"api":{"operation":${canonicalJson(textMember(entry, 'gen_ai.tool.name') || entry.type)}` +
    (call === undefined ? '' : `,"request":{"uid":${canonicalJson(call)}}`) +
    (error === undefined ? '' : `,"response":{"error":${canonicalJson(error)}}`) +
    `},"attestation":{"chain_uid":${canonicalJson(origin)},`
  );
}

/** From the attestation's `uid` on. */
function fromUid({ origin, index, leafHash, entry, text }: ExportedLeaf, size: number): string {
  const [activity] = activityOf(entry);
  const log = canonicalJson(origin);
  const capability = textMember(entry, 'cap');
  return (
    `"uid":"${leafHash}"},"category_name":"Application Activity","category_uid":6,"class_name":"API Activity","class_uid":${classUid},` +
    (capability === undefined ? '' : `"delegation":{"uid":${canonicalJson(capability)}},`) +
    `"metadata":{"log_name":${log},"original_time":"${entry.time}","product":{"name":"Talos","vendor_name":"Talos"},` +
    `"profiles":["ai_operation","record_integrity"],"sequence":${index},"uid":${canonicalJson(entry.id)},"version":"1.9.0"},` +
    `"severity_id":${entry.type === 'policy.decision' ? 2 : 1},"src_endpoint":{"uid":${agentOf(entry, origin)}},${statusOf(entry)},` +
    `"time":${Date.parse(entry.time)},"type_uid":${classUid * 100 + activity},` +
    `"unmapped":{"talos":{"entry":${text},"index":${index},"leaf_hash":"${leafHash}","origin":${log},"tree_size":${size}}}}`
  );
}

function activityOf({ type }: Entry): readonly [id: number, name: string] {
  return activities[type] ?? [99, type];
}

function agentOf(entry: Entry, origin: string): string {
  return canonicalJson(textMember(entry, 'agent') || origin);
}

function statusOf(entry: Entry): string {
  const outcome = textMember(entry, 'outcome');
  if (entry.type === 'policy.decision') return `"status":"Failure","status_code":${canonicalJson(policyMember(entry, 'code') ?? 'deny')},"status_id":2`;
  if (outcome === undefined) return '"status":"Unknown","status_id":0';
  return outcome === 'ok' ? '"status":"Success","status_id":1' : `"status":"Failure","status_code":${canonicalJson(outcome)},"status_id":2`;
}

function frameworkOf(entry: Entry): string {
  const framework = textMember(entry, 'framework');
  if (framework === undefined) return '"type_id":0';
  return framework === 'langchain' ? `"type":"LangChain","type_id":${langchain}` : `"type":${canonicalJson(framework)},"type_id":99`;
}
