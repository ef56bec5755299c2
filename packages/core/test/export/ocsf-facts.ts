/**
 * What OCSF 1.9 says of an API Activity event with `ai_operation` and `record_integrity`, as far as an export uses it, restated as JSON schema from
 * the definitions in github.com/ocsf/ocsf-schema: events/application/api_activity.json, events/base_event.json, profiles/ai_operation.json and
 * record_integrity.json, objects/{metadata,product,actor,api,request,response,network_endpoint,ai_agent,delegation,attestation,fingerprint}.json.
 * Required members, enumerations and types are theirs; closed, so that a member they do not have is refused. @module
 */
const text = { type: 'string', minLength: 1 };
const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' };

function object(required: Record<string, unknown>, optional: Record<string, unknown> = {}) {
  return { type: 'object', additionalProperties: false, required: Object.keys(required), properties: { ...required, ...optional } };
}

export const ocsfSchema = object(
  {
    activity_id: { enum: [0, 1, 2, 3, 4, 99] },
    category_uid: { const: 6 },
    class_uid: { const: 6003 },
    type_uid: { enum: [600300, 600301, 600302, 600303, 600304, 600399] },
    time: { type: 'integer' },
    severity_id: { enum: [0, 1, 2, 3, 4, 5, 6, 99] },
    metadata: object(
      { version: { const: '1.9.0' }, product: object({ name: text, vendor_name: text }) },
      {
        profiles: { type: 'array', items: { enum: ['ai_operation', 'record_integrity'] }, minItems: 2, uniqueItems: true },
        log_name: text,
        uid: text,
        sequence: { type: 'integer' },
        original_time: text,
      },
    ),
    // At least one of process, user, invoked_by, session, app_name, app_uid.
    actor: object({ app_uid: text }),
    // At least one of ip, uid, name, hostname, svc_name and others.
    src_endpoint: object({ uid: text }),
    api: object({ operation: text }, { request: object({ uid: text }), response: object({ error: text }) }),
  },
  {
    activity_name: text,
    category_name: { const: 'Application Activity' },
    class_name: { const: 'API Activity' },
    status_id: { enum: [0, 1, 2, 99] },
    status: { enum: ['Unknown', 'Success', 'Failure'] },
    status_code: text,
    ai_agent: object({ uid: text }, { instance_uid: text, type_id: { enum: [0, 1, 2, 3, 4, 99] }, type: text }),
    delegation: object({ uid: text }),
    attestation: object(
      // At least one of fingerprint and signatures.
      { fingerprint: object({ algorithm_id: { const: 3 }, value: hash }, { algorithm: { const: 'SHA-256' } }) },
      { uid: text, chain_uid: text, authority_uid: text },
    ),
    unmapped: { type: 'object' },
  },
);
