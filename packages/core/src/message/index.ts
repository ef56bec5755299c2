export { firstBatch, maxBatchFrames, type BatchHandler } from './batch.ts';
export type { BundleDirectory, BundleShortage } from './bundle-directory.ts';
export { decodeContents, encodeContents, type MessageContents, type RevocationNews } from './contents.ts';
export type { NewsHandler } from './delivery.ts';
export { memoryTransport } from './memory-transport.ts';
export type { MessageLog, MessageLogEntry } from './message-log.ts';
export {
  openMessenger,
  type Messenger,
  type MessengerOptions,
  type Receipt,
  type Received,
  type ReceivedHandler,
  type ReceivedRemote,
  type RemoteHandler,
  type Sent,
} from './messenger.ts';
export type { BundleOptions } from './own-prekeys.ts';
export type { Subscription, Transport, TransportFactory, TransportOwner } from './transport.ts';
export type { Gossip } from './gossip.ts';
