/** Whether every address that one `url` rule takes is taken by another. @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import { isPrivateHost } from '../constraints/private-host.ts';
import { defaultPorts, isBelow, isNumericHost, parseUrlRule, type CompiledUrl } from '../constraints/url.ts';

export function isUrlInside(child: JsonValue, parent: JsonValue): boolean {
  const own = parseUrlRule(child);
  const above = parseUrlRule(parent);
  if (own === undefined || above === undefined) return false;
  if (![...own.schemes].every((scheme) => above.schemes.has(scheme))) return false;
  if (!above.path.every((segment, i) => segment === own.path[i])) return false;
  return areHostsInside(own, above) && arePortsInside(own, above) && (!above.noPrivate || own.noPrivate || arePublic(own));
}

function areHostsInside({ hosts }: CompiledUrl, above: CompiledUrl): boolean {
  if (hosts === undefined) return above.hosts === undefined;
  const allowed = above.hosts;
  // Without a list a parent takes any name, and no address.
  if (allowed === undefined) return [...hosts].every((host) => !isNumericHost(host));
  return [...hosts].every((host) => allowed.has(host) || isBelow(host.startsWith('*.') ? host.slice(1) : host, allowed));
}

function arePortsInside(own: CompiledUrl, above: CompiledUrl): boolean {
  // A rule without ports asks for the scheme's own; with several schemes it takes each with its own.
  return [...own.schemes].every((scheme) => {
    const fallback = [defaultPorts[scheme] as number];
    const allowed: readonly number[] = [...(above.ports ?? fallback)];
    return [...(own.ports ?? fallback)].every((port) => allowed.includes(port));
  });
}

function arePublic({ hosts }: CompiledUrl): boolean {
  return hosts !== undefined && [...hosts].every((host) => !isPrivateHost(host.replace('*', 'a')));
}
