export const repositoryRequirements = {
  'REPO-CLOSING-LINE': 'A test run ends with one line that counts a module that did not load and an error outside every test as failed.',
  'REPO-BENCH': 'The bench command lists its benches, and refuses an option or a name that it does not know in one line.',
  'REPO-PREFLIGHT': 'A Node that is too old is refused with one line that names the version to use.',
  'REPO-SURFACE': 'What a framework adds to the types and functions that are watched, or exports anew, changes the file that its surface test compares.',
  'PKG-SUBPATHS': 'Every subpath of the packed packages can be imported under Node.',
  'PKG-LAZY-ROOT': 'The root of the packed core loads no session, KEM, node or testing module.',
  'PKG-BROWSER': 'A browser bundle of the guard path holds no Node module, and what it loads at the start stays within 60 KB.',
  'PKG-CHROMIUM': 'The guard path allows, denies, appends and proves in a browser.',
  'PKG-PEERLESS': 'Where the framework of one adapter is not installed, core and the other adapters still load.',
  'PKG-COMPAT': 'Every adapter, as it is packed, passes the adapter suite at the lowest and the newest version that it declares.',
} as const;
