/** Writes a backup file of so many bytes, and says what came of it. */
import { writeBackupFile } from '../../src/node/backup-file.ts';

const [, , file, length] = process.argv as [string, string, string, string];

async function* content(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(Number(length));
}

await writeBackupFile(file, 'password', content()).then(
  () => process.stdout.write('written'),
  (error: unknown) => process.stdout.write(String((error as { code?: unknown }).code)),
);
