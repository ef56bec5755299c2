/** JSON as data: what `parseStrictJson` gives and `canonicalJson` takes. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [name: string]: JsonValue };
