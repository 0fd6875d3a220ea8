import { Logger, ServiceUnavailableException } from '@nestjs/common';

/** A 503 that says which part is away and by what code. The details are for the log, not for strangers. */
export function unavailable(what: string, error: unknown): ServiceUnavailableException {
  const { code, name, message } = error as { code?: string; name?: string; message?: string };
  Logger.error(`${what}: ${code ?? name}: ${message}`);
  return new ServiceUnavailableException(`${what} (${code ?? name})`);
}
