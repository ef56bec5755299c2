export { guardRequest, type GuardRequestOptions, type RequestCaller, type RequestGuard, type RequestHandler, type RequestVerifier } from './guard-request.ts';
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
export { capabilityHeader, invocationHeader, maxRequestBodyBytes, requestTool } from './request-call.ts';
export { signRequest, type RequestSigner, type SignRequestOptions } from './sign-request.ts';
export { webSocketTransport, type WebSocketTransportOptions } from './websocket-transport.ts';
export { httpWitness, type HttpWitnessOptions } from './witness-client.ts';
