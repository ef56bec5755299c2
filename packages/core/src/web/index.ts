export {
  deliveryWindow,
  maxRelayMessageBytes,
  pingMs,
  relayRefusals,
  relaySubprotocol,
  relayVersion,
  silenceMs,
  type RelayChallenge,
  type RelayRefusal,
  type RelayReply,
  type RelayRequest,
} from './relay-message.ts';
export { relayOrigin, signRelayProof, verifyRelayProof, type ProvenAgent, type RelayProof } from './relay-proof.ts';
export { decodeRelayReply, encodeRelayReply } from './relay-reply.ts';
export { decodeRelayRequest, encodeRelayRequest } from './relay-request.ts';
export { webSocketTransport, type WebSocketTransportOptions } from './websocket-transport.ts';
export { httpWitness, type HttpWitnessOptions } from './witness-client.ts';
