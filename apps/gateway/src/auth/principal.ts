import type { Actor } from '@dialfleet/database';
import type { Scope } from '@dialfleet/contracts';

/** Who asks, and what they may do. */
export interface Principal {
  workspaceId: string;
  actor: Actor;
  scopes: ReadonlySet<string>;
  /** Null: every bot of the workspace. */
  botIds: ReadonlySet<string> | null;
}

export const mayDo = (principal: Principal, scope: Scope): boolean => principal.scopes.has(scope) || principal.scopes.has('admin');
export const mayUseBot = (principal: Principal, botId: string): boolean => principal.botIds === null || principal.botIds.has(botId);
