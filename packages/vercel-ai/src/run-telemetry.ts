/** The SDK's telemetry hook, used for one thing: it knows which run a tool or a model is called in. @module */
import type { Runs } from './call-ids.ts';

type Call<T> = { readonly callId: string; readonly execute: () => PromiseLike<T> };

/** As much of the SDK's `Telemetry` as is used. Off when a call says `telemetry: { isEnabled: false }`: then runs are told apart by their messages. */
export type RunTelemetry = {
  executeTool<T>(call: Call<T>): PromiseLike<T>;
  executeLanguageModelCall<T>(call: Call<T>): PromiseLike<T>;
};

export function runTelemetry(runs: Runs): RunTelemetry {
  const within = <T>({ callId, execute }: Call<T>): PromiseLike<T> => runs.within(callId, execute);
  return { executeTool: within, executeLanguageModelCall: within };
}
