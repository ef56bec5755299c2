/**
 * Paths as text. Nothing is resolved: a `..` that a reader folds away names another file as soon as the segment before it is a
 * symbolic link, so a path with one is refused, as is every spelling that some layer below might turn into one.
 * @module
 */

export type PathStyle = 'posix' | 'win32' | 'any';

/** `anchor`: '' relative, '/' from the root, 'c:' from a drive's root. `segments` hold no empty one and no `.`. */
export type ParsedPath = { readonly anchor: string; readonly segments: readonly string[] };

/** PATH_MAX of Linux; a longer path opens nowhere. */
const maxPathLength = 4096;

/** Control characters (NUL cuts C strings) and percent escapes: `%2e`, `%252e` and IIS's `%u002e` become dots one decoder later. */
const forbidden = /[\u0000-\u001f\u007f]|%(?:[0-9A-Fa-f]{2}|u)/; // oxlint-disable-line no-control-regex -- they are what is refused

const beyondAscii = /[^\u0000-\u007f]/; // oxlint-disable-line no-control-regex -- the range begins with them

/** Win32 opens a device for these, in any folder and with any extension. */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:\.|$)/i;

/** Win32 drops these from the end of a name: `secret. ` is another name by the time it opens. */
const trailing = /[. ]$/;

/** Undefined if the text breaks a rule of the style. Total. */
export function parsePath(text: string, style: PathStyle): ParsedPath | undefined {
  if (text.length === 0 || text.length > maxPathLength || forbidden.test(text)) return undefined;
  const anchor = anchorOf(text, style);
  // A shell or a library that expands `~` leaves every root.
  if (anchor === undefined || text.startsWith('~')) return undefined;
  const segments = text
    .slice(anchor.length)
    .split(style === 'win32' ? /[\\/]/ : '/')
    .filter((segment) => segment !== '' && segment !== '.');
  if (!segments.every((segment) => isPlainSegment(segment, style))) return undefined;
  return { anchor, segments: style === 'win32' ? segments.map(foldAscii) : segments };
}

/** Whether a path is the root or below it, segment by segment: `/data-old` is not below `/data`. */
export function isInside(path: ParsedPath, root: ParsedPath): boolean {
  return path.anchor === root.anchor && root.segments.every((segment, i) => segment === path.segments[i]);
}

/** Undefined: a form that has no place below any root (UNC, device path, drive-relative `C:x`). */
function anchorOf(text: string, style: PathStyle): string | undefined {
  if (style === 'posix') return text.startsWith('/') ? '/' : '';
  if (style === 'any') return text.startsWith('//') ? undefined : text.startsWith('/') ? '/' : '';
  if (/^[\\/]{2}/.test(text)) return undefined;
  if (/^[\\/]/.test(text)) return '/';
  if (text.charAt(1) !== ':') return '';
  return /^[A-Za-z]:[\\/]/.test(text) ? foldAscii(text.slice(0, 2)) : undefined;
}

function isPlainSegment(segment: string, style: PathStyle): boolean {
  // Where a backslash is no separator it could still be one to the tool, and no honest name has one.
  if (segment === '..' || segment.includes('\\')) return false;
  if (beyondAscii.test(segment) && foldsToSyntax(segment)) return false;
  if (style === 'posix') return true;
  // A colon names an NTFS stream or a drive.
  return !segment.includes(':') && !trailing.test(segment) && !device.test(segment);
}

/** Fullwidth dots and slashes are never taken for the ASCII ones here; a layer below that does take them must not get them. */
function foldsToSyntax(segment: string): boolean {
  const folded = segment.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return /[\\/]|^\.{0,2}$/.test(folded);
}

/** ASCII only: `toLowerCase` would turn U+212A into `k`, and names that NTFS keeps apart into one. */
function foldAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
