/** Time-stamping authorities of our own, run by `openssl ts` behind a small HTTP server. @module */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type AuthorityOptions = {
  readonly key?: 'rsa' | 'ec';
  /** What its certificate is for; default time stamps alone, critical. */
  readonly usage?: string;
  /** Hash of the attribute that names the certificate. */
  readonly essHash?: 'sha1' | 'sha256';
  readonly digest?: string;
  /** `openssl x509 -days`: a negative number is a certificate that has expired. */
  readonly days?: number;
};

/** PEM; `answer`: what the authority says to a query, DER both. */
export type Authority = { readonly root: string; readonly certificate: string; readonly key: string; answer(query: Uint8Array): Buffer };

/** Why tests with an authority are skipped, if they are. With CI=true they are not: they fail. */
export const noAuthority = process.env['CI'] !== 'true' && spawnSync('openssl', ['version']).status !== 0 ? 'no openssl on PATH' : undefined;

const folders: string[] = [];

export function removeAuthorities(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function authority({ key = 'ec', usage = 'critical,timeStamping', essHash = 'sha256', digest = 'sha256', days = 30 }: AuthorityOptions = {}): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'talos-tsa-'));
  folders.push(folder);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const newKey = key === 'rsa' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  writeFileSync(
    join(folder, 'ca.cnf'),
    '[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\nCN=Test root\n[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
  );
  writeFileSync(join(folder, 'leaf.cnf'), `[leaf]\nbasicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${usage}\n`);
  writeFileSync(
    join(folder, 'tsa.cnf'),
    `[tsa]\ndir=.\nserial=./serial\ncrypto_device=builtin\nsigner_cert=./tsa.pem\ncerts=./ca.pem\nsigner_key=./tsa.key\nsigner_digest=${digest}\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\nordering=no\ntsa_name=no\ness_cert_id_chain=no\ness_cert_id_alg=${essHash}\n`,
  );
  writeFileSync(join(folder, 'serial'), '01\n');
  openssl('req', '-x509', ...newKey, '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-config', 'ca.cnf', '-days', '60');
  openssl('req', ...newKey, '-nodes', '-keyout', 'tsa.key', '-out', 'tsa.csr', '-subj', '/CN=Test authority');
  openssl(
    'x509',
    '-req',
    '-in',
    'tsa.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'tsa.pem',
    '-days',
    String(days),
    '-extfile',
    'leaf.cnf',
    '-extensions',
    'leaf',
  );
  return {
    root: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    certificate: readFileSync(join(folder, 'tsa.pem'), 'utf8'),
    key: readFileSync(join(folder, 'tsa.key'), 'utf8'),
    answer: (query) => {
      writeFileSync(join(folder, 'query.tsq'), query);
      openssl('ts', '-reply', '-queryfile', 'query.tsq', '-config', 'tsa.cnf', '-section', 'tsa', '-out', 'reply.tsr');
      return readFileSync(join(folder, 'reply.tsr'));
    },
  };
}

/** Serves answers over HTTP until it is closed. */
export async function serve(answer: (query: Buffer) => Uint8Array | number): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const said = answer(Buffer.concat(chunks));
      if (typeof said === 'number') response.writeHead(said).end();
      else response.writeHead(200, { 'Content-Type': 'application/timestamp-reply' }).end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`, close };
}
