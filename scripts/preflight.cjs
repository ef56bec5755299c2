// Runs first and under any Node, so it is CommonJS in old syntax. Linux on x64 and arm64 brings its own Node 24 from the
// lockfile and needs only npm's; everywhere else all runs on the contributor's Node, whose own errors would be unclear.
var node = process.versions.node;
var bringsNode = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');
var least = bringsNode ? '20' : '22.13';
// The packages run on 22.13; the demo and the tests also keep a log on disk, which older releases of SQLite can lose.
var leastSqlite = '3.51.3';

function isOlder(version, than) {
  var own = version.split('.').map(Number);
  var other = than.split('.').map(Number);
  for (var i = 0; i < other.length; i += 1) if (own[i] !== other[i]) return !(own[i] > other[i]);
  return false;
}

if (isOlder(node, least)) {
  console.error('Talos needs Node >= ' + least + ' here; this is Node ' + node + '.');
  process.exit(1);
}
if (!bringsNode && isOlder(process.versions.sqlite || '0', leastSqlite)) {
  console.error('The demo and the tests need a Node with SQLite >= ' + leastSqlite + ', as 22.23, 24.21 and 26.10 have; this is Node ' + node + '.');
  process.exit(1);
}
