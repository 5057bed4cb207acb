import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { ExternalProgram, freePort, requireProgram } from '../harness/external-program.js';

const MODULE_FOLDERS = ['/usr/lib/x86_64-linux-gnu/kamailio/modules', '/usr/lib/aarch64-linux-gnu/kamailio/modules', '/usr/lib/kamailio/modules', '/usr/lib64/kamailio/modules'];
export const REALM = 'carrier.test';

export interface KamailioOptions {
  /** Where its files go. */
  folder: string;
  /** Everybody's password: INVITE and REGISTER are challenged (407, 401). Absent: nobody is. */
  password?: string;
  algorithm?: 'MD5' | 'SHA-256';
  /** UDP port on 127.0.0.1 that gets the calls which are not for a registered user. */
  upstreamPort?: number;
  /** Seconds that a registration is granted at most and at least. */
  expires?: { max: number; min: number };
}

/**
 * A Kamailio on loopback, over UDP, TCP, TLS, WS and WSS: registrar with digest, and a proxy that stays in the path
 * (Record-Route) and hands calls to registered users or to `upstreamPort`.
 */
export class Kamailio {
  private constructor(
    private readonly program: ExternalProgram,
    /** UDP, TCP and WS. */
    readonly port: number,
    /** TLS and WSS. */
    readonly tlsPort: number,
    /** PEM of the authority behind its certificate, which is for 127.0.0.1 and localhost. */
    readonly ca: string,
  ) {}

  static async start(options: KamailioOptions): Promise<Kamailio> {
    const path = requireProgram('kamailio', 'kamailio kamailio-tls-modules kamailio-websocket-modules');
    const modules = MODULE_FOLDERS.find((folder) => existsSync(join(folder, 'websocket.so')) && existsSync(join(folder, 'tls.so')));
    if (modules === undefined) throw new Error('kamailio has no TLS or WebSocket module: apt-get install kamailio-tls-modules kamailio-websocket-modules');
    const [port, tlsPort] = [await freePort(), await freePort()];
    await mkdir(join(options.folder, 'run'), { recursive: true });
    const ca = await writeCertificate(options.folder);
    await writeFile(join(options.folder, 'kamailio.cfg'), configuration(options, modules, port, tlsPort));
    const program = new ExternalProgram(path, ['-f', join(options.folder, 'kamailio.cfg'), '-DD', '-E', '-m', '32', '-M', '4', '-w', options.folder, '-Y', join(options.folder, 'run'),
      '-P', join(options.folder, 'kamailio.pid')], options.folder);
    await Promise.all([listening(program, port), listening(program, tlsPort)]);
    return new Kamailio(program, port, tlsPort, ca);
  }

  /** What it logged. */
  get output(): string { return this.program.output; }

  /** Its children end with it only on SIGTERM. */
  stop(): Promise<void> { return this.program.terminate(); }
}

async function listening(program: ExternalProgram, port: number): Promise<void> {
  for (;;) {
    if (program.ended) throw new Error(`kamailio did not start: ${program.output}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
      socket.on('error', () => { resolve(false); });
    });
    if (open) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

async function writeCertificate(folder: string): Promise<string> {
  const authority = await generate([{ name: 'commonName', value: 'Test authority' }], { keySize: 2048, extensions: [{ name: 'basicConstraints', cA: true, critical: true }] });
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2048, ca: { key: authority.private, cert: authority.cert },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }, { type: 7, ip: '127.0.0.1' }] }],
  });
  await writeFile(join(folder, 'server.pem'), leaf.cert);
  await writeFile(join(folder, 'server-key.pem'), leaf.private);
  await writeFile(join(folder, 'tls.cfg'), [
    '[server:default]', 'method = TLSv1.2+', 'verify_certificate = no', 'require_certificate = no',
    `private_key = ${join(folder, 'server-key.pem')}`, `certificate = ${join(folder, 'server.pem')}`,
    '[client:default]', 'method = TLSv1.2+', 'verify_certificate = no', '',
  ].join('\n'));
  return authority.cert;
}

function configuration(options: KamailioOptions, modules: string, port: number, tlsPort: number): string {
  const { folder, password, algorithm = 'MD5', upstreamPort, expires = { max: 3600, min: 5 } } = options;
  const challenge = (kind: 'www' | 'proxy'): string => (password === undefined ? '' :
    `if (!pv_${kind}_authenticate("${REALM}", "${password}", "0")) { ${kind === 'www' ? 'www' : 'proxy'}_challenge("${REALM}", "1"); exit; }`);
  return `#!KAMAILIO
debug=1
log_stderror=yes
children=2
tcp_children=2
disable_core_dump=yes
auto_aliases=no
dns=no
rev_dns=no
enable_tls=yes
tcp_accept_no_cl=yes
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
listen=tls:127.0.0.1:${tlsPort}
mpath="${modules}/"
loadmodule "tls.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "nathelper.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("tls", "config", "${join(folder, 'tls.cfg')}")
modparam("auth", "algorithm", "${algorithm === 'MD5' ? '' : algorithm}")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", ${expires.max})
modparam("registrar", "min_expires", ${expires.min})
modparam("rr", "enable_full_lr", 1)
modparam("nathelper|registrar", "received_avp", "$avp(RECEIVED)")

request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("OPTIONS") && !has_totag()) { sl_send_reply("200", "OK"); exit; }
  if (has_totag()) {
    if (loose_route()) {
      if (!isdsturiset()) { handle_ruri_alias(); }
      t_relay(); exit;
    }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("404", "Not here"); exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (t_precheck_trans()) { t_check_trans(); exit; }
  t_check_trans();
  force_rport();
  if (is_method("REGISTER")) {
    ${challenge('www')}
    fix_nated_register();
    if (!save("location")) { sl_reply_error(); }
    exit;
  }
  if (!is_method("INVITE|MESSAGE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
  if ($sp != ${upstreamPort ?? 0}) {
    ${challenge('proxy')}
    consume_credentials();
  }
  if (proto == WS || proto == WSS) { add_contact_alias(); }
  record_route();
  if (lookup("location")) { t_relay(); exit; }
  ${upstreamPort === undefined ? 'sl_send_reply("404", "Not Found"); exit;' : `$du = "sip:127.0.0.1:${upstreamPort}"; t_relay(); exit;`}
}

onreply_route {
  if (proto == WS || proto == WSS) { add_contact_alias(); }
}

event_route[xhttp:request] {
  set_reply_close();
  set_reply_no_connect();
  if ($hdr(Upgrade) =~ "websocket" && $rm =~ "GET") { if (ws_handle_handshake()) { exit; } }
  xhttp_reply("404", "Not Found", "", "");
}
`;
}
