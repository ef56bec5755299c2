/** Talos for Mastra: `talosGuard`. @module */
export { requestContextKeys } from './request-context.ts';
export { talosGuard, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export type { HonoContext, HonoMiddleware } from './middleware.ts';
