#!/usr/bin/env node
/**
 * A container's health check: exit code 0 when the app in it is well. The gateway answers for its database and its broker
 * over HTTP; worker and push listen on no HTTP port and touch DIALFLEET_HEALTH_FILE every second while they work.
 */
import { statSync } from 'node:fs';

const STALE_AFTER_MS = 5000;
const { DIALFLEET_APP, DIALFLEET_PORT = '3000', DIALFLEET_HEALTH_FILE = '' } = process.env;

try {
  if (DIALFLEET_APP === 'gateway') {
    const reply = await fetch(`http://127.0.0.1:${DIALFLEET_PORT}/health/ready`, { signal: AbortSignal.timeout(3000) });
    if (!reply.ok) throw new Error(`/health/ready answered ${reply.status}`);
  } else {
    const ageMs = Date.now() - statSync(DIALFLEET_HEALTH_FILE).mtimeMs;
    if (ageMs > STALE_AFTER_MS) throw new Error(`last sign of life ${Math.round(ageMs / 1000)} s ago`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
