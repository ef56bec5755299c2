/** Whether every tool of one pattern is one of another (docs/spec/02 §5). @module */

/** Both are names or patterns of the grammar. `*` is one segment, a last `**` one or more. */
export function isToolInside(child: string, parent: string): boolean {
  const own = child.split('/');
  const above = parent.split('/');
  const rest = above.at(-1) === '**';
  if (rest ? own.length < above.length : own.length !== above.length) return false;
  return above.every((segment, i) => segment === '**' || isSegmentInside(own[i] as string, segment));
}

/** A `**` of the child is more than one segment: only a `**` takes it, and those never come here. */
function isSegmentInside(own: string, above: string): boolean {
  return above === '*' ? own !== '**' : own === above;
}
