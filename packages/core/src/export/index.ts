export { exportFormats } from './formats.ts';
export { exportLog, type ExportLogOptions } from './export-log.ts';
export type { ExportFormat } from './record-format.ts';
export type { Pieces } from './split-lines.ts';
export { verifySiem, type ProvedRow, type SiemCode, type SiemFinding, type SiemReport, type VerifySiemOptions } from './verify-siem.ts';
