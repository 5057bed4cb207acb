/** Answered at once by the stand-in worker: the round trip that the bare server makes for each request. */
export const ECHO_SUBJECT = 'bench.echo';
