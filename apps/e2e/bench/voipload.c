// voipload: SIP + RTP (G.711) load generator and meter on one thread, for loopback only.
//
// As a caller it places N calls at R a second and hangs them up; with -U it is the carrier that answers. Either way it
// plays 20 ms packets in both directions, paced from absolute 1 ms slots, and measures what comes back: set-up times,
// loss, packets later than a one-frame jitter buffer can bear, inter-arrival times and RFC 3550 jitter, all from the
// kernel's receive timestamps. With -S it also reads the peer's CPU time and memory.
//
// All calls share one SIP socket and one RTP socket; RTP streams are told apart by the peer's source port.
//
//   gcc -O2 -o voipload voipload.c -lm
//   voipload -p 127.0.0.1:5060 -n 100 -r 20 -d 30            100 calls of 30 s to a user agent
//   voipload -U -l 7060 -n 100 -w 2 -W 10 -S $(pidof bot)    answers 100 calls, measures 10 s of them, hangs up
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
#define SECONDS(s) ((u64)((s)*1e9))
#define T1_NS SECONDS(0.5)  // RFC 3261 17.1.1.1
#define MAX_ECHOES 4000000

static u64 now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (u64)t.tv_sec * 1000000000ull + t.tv_nsec;
}

enum { S_FREE, S_INVITE, S_UP, S_BYE, S_DONE, S_FAIL };
typedef struct {
  int st, uas;
  u64 t_invite, t_first, t_up, t_end, t_retx;
  int retx, code;
  char callid[128];
  char totag[96];
  char target[160];
  u32 cseq;
  char peer_from[256], peer_to[256], via[1024], rr[512];
  char lastresp[2048];
  int lastresp_len;
  struct sockaddr_in from;
  struct sockaddr_in rtp;
  int have_rtp;
  u16 lport_key;
  // tx
  u16 seq;
  u32 ts, ssrc;
  u64 sent;
  int slot;
  // rx
  int got;
  u16 rseq;
  u32 rts;
  u64 xts;  // rts, unwrapped
  u32 rssrc;
  u64 rx, lost, late, dup, gaps40, disc;
  u64 t_last, t_firstrx;
  double jit;
  int64_t base_cur, base_prev;
  int blk;
  // echo
  u64 e_sent;
  int e_wait;
  u32 shssrc;
} call_t;

static call_t *C;
static int N = 1;
static double RATE = 50, DUR = 30;
static int UAS = 0, MEDIA = 1, ECHO_ = 0, TOTAL = 0, JSON = 0, NOISE = 0;
static char *PEER = "127.0.0.1";
static int PPORT = 5060, LPORT = 7060, RPORT = 40000;
static char *USER = "bot";
static char *LIP = "127.0.0.1";
static int ss, rs;
static struct sockaddr_in peer;
static u32 runid;
static u64 LATE_NS = 20000000;
static int PT = 0;
static double WARM = 2.0, WINDOW = 0;
static int *map;
static u64 n_retx, n_fail, n_setup, n_unk, n_byeok, n_timeout;
static int failcodes[700];
static u32 *setup_us;
static u64 n_su;
static u32 *echo_us;
static u64 n_echo;
static u64 hist[200001];   // inter-arrival in 10us bins up to 2 s
static u64 hlate[100001];  // delay vs best schedule 10us bins up to 1 s
static u64 meas_start, meas_end;
static volatile int stop_ = 0;
static void onint(int s) {
  (void)s;
  stop_ = 1;
}
static struct mmsghdr *smm;
static struct iovec *siov;
static u8 (*sbuf)[172];
static int sn;
#define SB 512
static u64 txlate_max, tx_pk, tx_err;
static u64 htx[100001];

static void flush_tx(void) {
  int off = 0;
  while (off < sn) {
    int k = sendmmsg(rs, smm + off, sn - off, 0);
    if (k <= 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      tx_err++;
      off++;
      continue;
    }
    off += k;
  }
  sn = 0;
}
static void rtp_out(call_t *c, u64 now) {
  u8 *b = sbuf[sn];
  b[0] = 0x80;
  b[1] = PT | (c->sent == 0 ? 0x80 : 0);
  b[2] = c->seq >> 8;
  b[3] = c->seq;
  b[4] = c->ts >> 24;
  b[5] = c->ts >> 16;
  b[6] = c->ts >> 8;
  b[7] = c->ts;
  b[8] = c->ssrc >> 24;
  b[9] = c->ssrc >> 16;
  b[10] = c->ssrc >> 8;
  b[11] = c->ssrc;
  if (ECHO_) {
    int burst = (c->sent % 100) == 50;
    memset(b + 12, burst ? 0x10 : 0xFF, 160);
    if (burst) {
      c->e_sent = now;
      c->e_wait = 1;
    }
  } else if (NOISE) {
    for (int i = 0; i < 160; i++) b[12 + i] = (u8)((PT == 8 ? 0xD5 : 0xFF) ^ (((c->ts + i * i) >> 3 & 1) << 7));
  }  // +-1 quantisation step
  else {
    for (int i = 0; i < 160; i++) b[12 + i] = (u8)(0xA0 + ((c->ts / 160 * 7 + i) & 0x1f));
  }
  c->seq++;
  c->ts += 160;
  c->sent++;
  tx_pk++;
  smm[sn].msg_hdr.msg_name = &c->rtp;
  sn++;
  if (sn == SB) flush_tx();
}
static void sip_send(const char *b, int n, struct sockaddr_in *to) { sendto(ss, b, n, 0, (struct sockaddr *)to, sizeof *to); }
static const char *hdr(const char *m, const char *name, const char *compact, char *out, int max) {
  const char *p = m;
  int ln = strlen(name), lc = compact ? strlen(compact) : 0;
  while ((p = strstr(p, "\r\n"))) {
    p += 2;
    if (p[0] == '\r') return 0;
    const char *v = 0;
    if (!strncasecmp(p, name, ln) && (p[ln] == ':' || p[ln] == ' ')) v = strchr(p, ':');
    else if (lc && !strncasecmp(p, compact, lc) && p[lc] == ':') v = p + lc;
    if (v) {
      v++;
      while (*v == ' ') v++;
      const char *e = strstr(v, "\r\n");
      int n = e - v;
      if (n >= max) n = max - 1;
      memcpy(out, v, n);
      out[n] = 0;
      return v;
    }
  }
  return 0;
}
static int shared_port = 0;
static int ssrct[1 << 17];
static int ssrc_next = 0;
static int parse_sdp(const char *m, call_t *c) {
  const char *b = strstr(m, "\r\n\r\n");
  if (!b) return 0;
  const char *a = strstr(b, "m=audio ");
  if (!a) return 0;
  int port = atoi(a + 8);
  if (!port) return 0;
  const char *ip = strstr(b, "c=IN IP4 ");
  char s[32] = "127.0.0.1";
  if (ip) sscanf(ip + 9, "%31[0-9.]", s);
  c->rtp.sin_family = AF_INET;
  c->rtp.sin_port = htons(port);
  inet_pton(AF_INET, s, &c->rtp.sin_addr);
  if (!strcmp(s, "0.0.0.0")) inet_pton(AF_INET, "127.0.0.1", &c->rtp.sin_addr);
  c->have_rtp = 1;
  if (map[port] && map[port] != c - C + 1 && (C[map[port] - 1].st == S_UP || C[map[port] - 1].st == S_INVITE)) shared_port = port;
  map[port] = c - C + 1;
  return 1;
}
static int mksdp(char *o) {
  return sprintf(o,
                 "v=0\r\no=- %u 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP %d 101\r\na=rtpmap:%d "
                 "%s/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n",
                 runid, LIP, LIP, RPORT, PT, PT, PT == 8 ? "PCMA" : "PCMU");
}
static void send_invite(call_t *c) {
  char sdp[600];
  int sl = mksdp(sdp);
  char b[2048];
  int i = c - C;
  int n =
      sprintf(b,
              "INVITE sip:%s@%s:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%x-%d-%u;rport\r\nMax-Forwards: 70\r\nFrom: "
              "<sip:load@%s:%d>;tag=f%x%d\r\nTo: <sip:%s@%s:%d>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:load@%s:%d>\r\nAllow: "
              "INVITE,ACK,BYE,CANCEL,OPTIONS\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
              USER, PEER, PPORT, LIP, LPORT, runid, i, c->cseq, LIP, LPORT, runid, i, USER, PEER, PPORT, c->callid, LIP, LPORT, sl, sdp);
  sip_send(b, n, &peer);
}
static struct sockaddr_in target_addr(call_t *c) {
  struct sockaddr_in a = peer;
  char ip[32];
  int port = 5060;
  const char *p = strchr(c->target, '@');
  p = p ? p + 1 : strstr(c->target, "sip:") ? strstr(c->target, "sip:") + 4 : c->target;
  if (sscanf(p, "%31[0-9.]:%d", ip, &port) >= 1) {
    struct in_addr x;
    if (inet_pton(AF_INET, ip, &x) == 1 && (ntohl(x.s_addr) >> 24) == 127) {
      a.sin_addr = x;
      a.sin_port = htons(port);
    }
  }
  return a;
}
static void req_in(call_t *c, const char *meth, u32 cseq) {
  char b[2048];
  int i = c - C;
  int n;
  char routes[700] = "";
  if (c->rr[0]) snprintf(routes, sizeof routes, "Route: %s\r\n", c->rr);
  if (!c->uas)
    n = sprintf(b,
                "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%x-%d-%s%u;rport\r\nMax-Forwards: 70\r\n%sFrom: "
                "<sip:load@%s:%d>;tag=f%x%d\r\nTo: <sip:%s@%s:%d>%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nContact: "
                "<sip:load@%s:%d>\r\nContent-Length: 0\r\n\r\n",
                meth, c->target, LIP, LPORT, runid, i, meth, cseq, routes, LIP, LPORT, runid, i, USER, PEER, PPORT, c->totag, c->callid,
                cseq, meth, LIP, LPORT);
  else
    n = sprintf(b,
                "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%x-%d-%s%u;rport\r\nMax-Forwards: 70\r\n%sFrom: %s;tag=u%x%d\r\nTo: "
                "%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:load@%s:%d>\r\nContent-Length: 0\r\n\r\n",
                meth, c->target, LIP, LPORT, runid, i, meth, cseq, routes, c->peer_to, runid, i, c->peer_from, c->callid, cseq, meth, LIP,
                LPORT);
  struct sockaddr_in a = c->rr[0] ? peer : target_addr(c);
  sip_send(b, n, &a);
}
static void copyuri(const char *v, char *o, int max) {
  const char *l = strchr(v, '<');
  if (l) {
    const char *e = strchr(l, '>');
    int n = e ? (int)(e - l - 1) : 0;
    if (n >= max) n = max - 1;
    memcpy(o, l + 1, n);
    o[n] = 0;
  } else snprintf(o, max, "%s", v);
}
static void reply(const char *m, int code, const char *reason, const char *totag, const char *extra, const char *body,
                  struct sockaddr_in *from, call_t *keep) {
  char b[4096];
  int n = sprintf(b, "SIP/2.0 %d %s\r\n", code, reason);
  char v[1200];
  const char *p = m;
  while ((p = strstr(p, "\r\n"))) {
    p += 2;
    if (*p == '\r') break;
    if (!strncasecmp(p, "Via:", 4) || !strncasecmp(p, "v:", 2) || !strncasecmp(p, "Record-Route:", 13)) {
      const char *e = strstr(p, "\r\n");
      n += sprintf(b + n, "%.*s\r\n", (int)(e - p), p);
    }
  }
  hdr(m, "From", "f", v, sizeof v);
  n += sprintf(b + n, "From: %s\r\n", v);
  hdr(m, "To", "t", v, sizeof v);
  n += sprintf(b + n, "To: %s%s\r\n", v, strstr(v, "tag=") ? "" : totag);
  hdr(m, "Call-ID", "i", v, sizeof v);
  n += sprintf(b + n, "Call-ID: %s\r\n", v);
  hdr(m, "CSeq", 0, v, sizeof v);
  n += sprintf(b + n, "CSeq: %s\r\n", v);
  n += sprintf(b + n, "%sContent-Length: %d\r\n\r\n%s", extra, (int)strlen(body), body);
  sip_send(b, n, from);
  if (keep) {
    memcpy(keep->lastresp, b, n < 2048 ? n : 2047);
    keep->lastresp_len = n < 2048 ? n : 2047;
    keep->from = *from;
  }
}
static void start_media(call_t *c, u64 now) {
  c->t_up = now;
  c->slot = (int)((c - C) % 20);
  c->ssrc = runid * 2654435761u + (c - C) * 97;
  // Any start is allowed (RFC 3550 5.1): both counters wrap within seconds, in every run.
  c->seq = 65535 - rand() % 50;
  c->ts = -(u32)(rand() % 100) * 160;
}
static int nact;
static void endcall(call_t *c, int st) {
  if (c->st == S_INVITE || c->st == S_UP || c->st == S_BYE) nact--;
  c->st = st;
}
static int uas_next = 0;
static u64 n_uas_new;
#define HASHN 65536
static int hb[HASHN];
static int *hnext;
static u32 hsh(const char *s) {
  u32 h = 5381;
  while (*s) h = h * 33 + (u8)*s++;
  return h & (HASHN - 1);
}
static void on_sip(char *m, int n, struct sockaddr_in *from, u64 now) {
  m[n] = 0;
  if (n < 12) return;
  char v[1200], cid[128];
  if (!hdr(m, "Call-ID", "i", cid, sizeof cid)) return;
  call_t *c = 0;
  if (!UAS) {
    unsigned r, i;
    if (sscanf(cid, "v%x-%u", &r, &i) == 2 && r == runid && (int)i < TOTAL) c = &C[i];
  } else {
    for (int k = hb[hsh(cid)]; k; k = hnext[k - 1])
      if (!strcmp(C[k - 1].callid, cid)) {
        c = &C[k - 1];
        break;
      }
  }
  if (!strncmp(m, "SIP/2.0 ", 8)) {
    int code = atoi(m + 8);
    if (!c) {
      n_unk++;
      return;
    }
    char cs[64] = "";
    hdr(m, "CSeq", 0, cs, sizeof cs);
    if (strstr(cs, "INVITE")) {
      if (code < 200) {
        c->t_retx = now + 60000000000ull;
        return;
      }
      if (code < 300) {
        if (c->st == S_INVITE) {
          char to[300];
          if (hdr(m, "To", "t", to, sizeof to)) {
            char *t = strstr(to, ";tag=");
            snprintf(c->totag, sizeof c->totag, "%s", t ? t : "");
          }
          if (hdr(m, "Contact", "m", v, sizeof v)) copyuri(v, c->target, sizeof c->target);
          else sprintf(c->target, "sip:%s@%s:%d", USER, PEER, PPORT);
          c->rr[0] = 0;
          hdr(m, "Record-Route", 0, c->rr, sizeof c->rr);
          c->st = S_UP;
          n_setup++;
          u64 us = (now - c->t_invite) / 1000;
          setup_us[n_su++] = us;
          parse_sdp(m, c);
          req_in(c, "ACK", 1);
          start_media(c, now);
          c->t_end = now + (u64)(DUR * 1e9);
        } else if (c->st == S_UP) req_in(c, "ACK", 1);
      } else {
        if (c->st == S_INVITE) {
          char to[300];
          if (hdr(m, "To", "t", to, sizeof to)) {
            char *t = strstr(to, ";tag=");
            snprintf(c->totag, sizeof c->totag, "%s", t ? t : "");
          }
          // ACK for non-2xx: same branch
          char b[1500];
          int i = c - C;
          int k = sprintf(b,
                          "ACK sip:%s@%s:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%x-%d-%u;rport\r\nMax-Forwards: 70\r\nFrom: "
                          "<sip:load@%s:%d>;tag=f%x%d\r\nTo: <sip:%s@%s:%d>%s\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
                          USER, PEER, PPORT, LIP, LPORT, runid, i, c->cseq, LIP, LPORT, runid, i, USER, PEER, PPORT, c->totag, c->callid);
          sip_send(b, k, &peer);
          endcall(c, S_FAIL);
          n_fail++;
          if (code < 700) failcodes[code]++;
        }
      }
    } else if (strstr(cs, "BYE")) {
      if (c->st == S_BYE) {
        n_byeok++;
        endcall(c, S_DONE);
      }
    }
    return;
  }
  if (!strncmp(m, "INVITE ", 7)) {
    if (!UAS) {
      reply(m, 486, "Busy", ";tag=x", "", "", from, 0);
      return;
    }
    if (c) {
      if (c->lastresp_len) sip_send(c->lastresp, c->lastresp_len, from);
      else {
        char sdp[600];
        mksdp(sdp);
        char t[64];
        sprintf(t, ";tag=u%x%d", runid, (int)(c - C));
        reply(m, 200, "OK", t, "Contact: <sip:load@127.0.0.1>\r\n", sdp, from, 0);
      }
      return;
    }
    if (uas_next >= TOTAL) {
      reply(m, 486, "Busy Here", ";tag=x", "", "", from, 0);
      return;
    }
    c = &C[uas_next++];
    n_uas_new++;
    nact++;
    c->uas = 1;
    c->st = S_INVITE;
    c->t_invite = now;
    snprintf(c->callid, sizeof c->callid, "%s", cid);
    u32 h = hsh(cid);
    hnext[c - C] = hb[h];
    hb[h] = c - C + 1;
    hdr(m, "From", "f", c->peer_from, sizeof c->peer_from);
    hdr(m, "To", "t", c->peer_to, sizeof c->peer_to);
    if (hdr(m, "Contact", "m", v, sizeof v)) copyuri(v, c->target, sizeof c->target);
    c->rr[0] = 0;
    hdr(m, "Record-Route", 0, c->rr, sizeof c->rr);
    parse_sdp(m, c);
    char sdp[600];
    mksdp(sdp);
    char t[64], ex[256];
    sprintf(t, ";tag=u%x%d", runid, (int)(c - C));
    sprintf(ex, "Contact: <sip:load@%s:%d>\r\nContent-Type: application/sdp\r\n", LIP, LPORT);
    reply(m, 200, "OK", t, ex, sdp, from, c);
    start_media(c, now);
    c->t_up = 0;
    c->t_end = 0;
    return;
  }
  if (!strncmp(m, "ACK ", 4)) {
    if (c && c->uas && c->st == S_INVITE) {
      c->st = S_UP;
      n_setup++;
      setup_us[n_su++] = (now - c->t_invite) / 1000;
      c->t_up = now;
      c->t_end = DUR > 0 ? now + (u64)(DUR * 1e9) : 0;
    }
    return;
  }
  reply(m, 200, "OK", ";tag=z", "", "", from, 0);
  if (!strncmp(m, "BYE ", 4) && c && (c->st == S_UP || c->st == S_INVITE || c->st == S_BYE)) {
    n_byeok++;
    endcall(c, S_DONE);
  }
}
static void on_rtp(u8 *b, int n, int sport, u64 t) {
  int k = map[sport];
  if (!k || n < 13) {
    n_unk++;
    return;
  }
  call_t *c = &C[k - 1];
  if (shared_port == sport) {
    u32 sr;
    memcpy(&sr, b + 8, 4);
    u32 h = (sr * 2654435761u) >> 15;
    while (ssrct[h] && C[ssrct[h] - 1].shssrc != sr) h = (h + 1) & ((1 << 17) - 1);
    if (!ssrct[h]) {
      if (ssrc_next >= TOTAL) return;
      ssrct[h] = ++ssrc_next;
      C[ssrc_next - 1].shssrc = sr;
    }
    c = &C[ssrct[h] - 1];
  }
  if ((b[1] & 0x7f) != PT) {
    return;
  }
  u16 s = b[2] << 8 | b[3];
  u32 ts = (u32)b[4] << 24 | b[5] << 16 | b[6] << 8 | b[7];
  u32 ssrc = (u32)b[8] << 24 | b[9] << 16 | b[10] << 8 | b[11];
  if (ECHO_ && c->e_wait) {
    for (int i = 12; i < n; i++)
      if ((b[i] & 0x70) <= 0x30) {
        u64 lat = (t - c->e_sent) / 1000 + (i - 12) * 125;
        if (n_echo < MAX_ECHOES) echo_us[n_echo++] = lat;
        c->e_wait = 0;
        break;
      }
  }
  int m = t >= meas_start && t < meas_end && c->st == S_UP;
  if (!c->got || ssrc != c->rssrc) {
    if (c->got) c->disc++;
    c->got = 1;
    c->rssrc = ssrc;
    c->rseq = s;
    c->rts = ts;
    c->xts = 1ull << 32 | ts;
    c->t_last = t;
    c->t_firstrx = t;
    c->base_cur = c->base_prev = INT64_MAX;
    c->blk = 0;
    if (m) c->rx++;
    return;
  }
  int16_t d = s - c->rseq;
  u32 dts = ts - c->rts;
  if (d <= 0) {
    if (m) c->dup++;
    return;
  }
  u64 ia = t - c->t_last;
  c->xts += (int64_t)(int32_t)dts;
  int64_t tr = (int64_t)t - (int64_t)(c->xts * 125000ull);
  u64 lateslots = 0, skip = 0;
  int64_t dl = 0;
  /* one-frame adaptive jitter buffer: P = play-out baseline; a packet later than P+LATE misses its slot(s); play-out then moves back */
  if (dts != 160u * (u32)d) {
    u32 k = dts / 160;
    if (dts % 160 == 0 && k > (u32)d && k < 100) skip = k - d;
    else {
      c->base_cur = tr;
      c->blk = 0;
      c->base_prev = INT64_MAX;
    }
    if (m) c->disc++;
  }
  if (c->base_cur == INT64_MAX) {
    c->base_cur = tr;
    c->base_prev = INT64_MAX;
    c->blk = 0;
  }
  dl = tr - c->base_cur;
  if (dl < 0) {
    c->base_cur = tr;
    dl = 0;
  }
  if (dl > (int64_t)LATE_NS) {
    lateslots = (dl - (int64_t)LATE_NS + 19999999) / 20000000;
    c->base_cur = tr - (int64_t)LATE_NS;
    c->base_prev = INT64_MAX;
    c->blk = 0;
  }
  if (tr < c->base_prev) c->base_prev = tr;
  if (++c->blk >= 50) {
    c->base_cur = c->base_prev;
    c->base_prev = INT64_MAX;
    c->blk = 0;
  }
  if (m) {
    c->rx++;
    c->lost += d - 1;
    u64 bin = ia / 10000;
    if (bin > 200000) bin = 200000;
    hist[bin]++;
    if (d == 1 && ia > 40000000) c->gaps40++;
    u64 lb = dl / 10000;
    if (lb > 100000) lb = 100000;
    hlate[lb]++;
    c->late += lateslots + skip;
    double D = fabs((double)ia - (double)dts * 125000.0);
    if (dts == 160u * (u32)d) c->jit += (D - c->jit) / 16.0;
  }
  c->rseq = s;
  c->rts = ts;
  c->t_last = t;
}
/* ---- report ---- */
static int cmp32(const void *a, const void *b) {
  u32 x = *(u32 *)a, y = *(u32 *)b;
  return x < y ? -1 : x > y;
}
static double pct(u32 *a, u64 n, double p) {
  if (!n) return 0;
  u64 i = (u64)(p * (n - 1));
  return a[i] / 1000.0;
}
static double hp(u64 *h, int n, double p) {
  u64 tot = 0;
  for (int i = 0; i < n; i++) tot += h[i];
  if (!tot) return 0;
  u64 want = p * tot, s = 0;
  for (int i = 0; i < n; i++) {
    s += h[i];
    if (s >= want) return i / 100.0;
  }
  return n / 100.0;
}
static long long pidcpu(int pid) {
  char f[64], b[1024];
  sprintf(f, "/proc/%d/stat", pid);
  int fd = open(f, O_RDONLY);
  if (fd < 0) return -1;
  int n = read(fd, b, 1000);
  close(fd);
  if (n <= 0) return -1;
  b[n] = 0;
  char *p = strrchr(b, ')');
  long long u, s;
  sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &u, &s);
  return u + s;
}
static long pidrss(int pid) {
  char f[64];
  sprintf(f, "/proc/%d/status", pid);
  FILE *p = fopen(f, "r");
  if (!p) return 0;
  char l[256];
  long r = 0;
  while (fgets(l, 256, p))
    if (sscanf(l, "VmRSS: %ld", &r) == 1) break;
  fclose(p);
  return r;
}
static int pids[16], npid;
static void usage(void) {
  fputs(
      "usage: voipload [-U] [-p ip:port] -n calls [options]\n"
      "  -U        answer calls instead of placing them        -p ip:port  whom to call (127.0.0.0/8 only)\n"
      "  -n N      calls at once                               -t N        calls in all (default: -n)\n"
      "  -r R      new calls a second (caller)                 -d S        each call lasts S seconds (-U: 0, until the peer hangs up)\n"
      "  -w S      warm-up before measuring                    -W S        -U: measure S seconds once -n calls are up, then hang up\n"
      "  -L MS     a packet this late misses its slot (20)     -a          A-law instead of mu-law\n"
      "  -M        no media                                    -e          echo test: bursts out, round trip measured\n"
      "  -z        line noise instead of a tone                -u USER     user part to call\n"
      "  -l PORT   own SIP port (0: any)                       -m PORT     own RTP port (0: any)\n"
      "  -S P,P    processes whose CPU and memory to read      -j          one JSON object a line: ready, then the result\n",
      stderr);
}

/* ---- command line and sockets ---- */

static void read_peer(char *text) {
  char *colon = strchr(text, ':');
  if (colon) {
    *colon = 0;
    PPORT = atoi(colon + 1);
  }
  PEER = text;
}

static int read_options(int ac, char **av) {
  int o;
  while ((o = getopt(ac, av, "n:r:d:p:l:m:u:UMt:w:W:L:aS:ejz")) != -1) switch (o) {
      case 'n': N = atoi(optarg); break;
      case 'r': RATE = atof(optarg); break;
      case 'd': DUR = atof(optarg); break;
      case 'p': read_peer(optarg); break;
      case 'l': LPORT = atoi(optarg); break;
      case 'm': RPORT = atoi(optarg); break;
      case 'u': USER = optarg; break;
      case 'U': UAS = 1; break;
      case 'M': MEDIA = 0; break;
      case 'e': ECHO_ = 1; break;
      case 't': TOTAL = atoi(optarg); break;
      case 'w': WARM = atof(optarg); break;
      case 'W': WINDOW = atof(optarg); break;
      case 'L': LATE_NS = (u64)(atof(optarg) * 1e6); break;
      case 'a': PT = 8; break;
      case 'z': NOISE = 1; break;
      case 'j': JSON = 1; break;
      case 'S':
        for (char *pid = strtok(optarg, ","); pid && npid < 16; pid = strtok(0, ",")) pids[npid++] = atoi(pid);
        break;
      default: return 0;
    }
  if (!TOTAL) TOTAL = N;
  return 1;
}

static int open_socket(const char *what, int *port) {
  int f = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), big = 128 << 20, one = 1;
  if (setsockopt(f, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big)) setsockopt(f, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
  if (setsockopt(f, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big)) setsockopt(f, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
  setsockopt(f, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port)};
  inet_pton(AF_INET, LIP, &a.sin_addr);
  socklen_t size = sizeof a;
  if (bind(f, (void *)&a, sizeof a) || getsockname(f, (void *)&a, &size)) {
    perror(what);
    exit(1);
  }
  *port = ntohs(a.sin_port);
  return f;
}

static void allocate(void) {
  C = calloc(TOTAL, sizeof *C);
  setup_us = calloc(TOTAL + 1, sizeof *setup_us);
  echo_us = calloc(MAX_ECHOES, sizeof *echo_us);
  map = calloc(65536, sizeof *map);
  hnext = calloc(TOTAL, sizeof *hnext);
  smm = calloc(SB, sizeof *smm);
  siov = calloc(SB, sizeof *siov);
  sbuf = calloc(SB, sizeof *sbuf);
  for (int i = 0; i < SB; i++) {
    siov[i] = (struct iovec){sbuf[i], sizeof *sbuf};
    smm[i].msg_hdr = (struct msghdr){.msg_iov = &siov[i], .msg_iovlen = 1, .msg_namelen = sizeof(struct sockaddr_in)};
  }
}

/* ---- the loop ---- */

static struct {
  u64 begun, next_tick, next_call, tick, last_sweep;
  u64 leaving;     // since when calls are being hung up
  u64 idle_since;  // -U: since when no call is up
  int started;     // calls placed
  int churn;       // calls come and go: nothing to hold against a fixed number of packets
  int most_at_once;
} run;

// What the watched processes used while measuring.
static struct {
  enum { BEFORE, DURING, AFTER } stage;
  u64 begun, ended;
  long long cpu_begun, cpu_ended;
  long rss_before, rss_ended;
} usage_of_peer;

static int calls_known(void) { return UAS ? uas_next : run.started; }

static void begin_run(void) {
  run.begun = run.next_tick = run.next_call = now_ns();
  run.churn = TOTAL > N || !MEDIA;
  meas_start = meas_end = UINT64_MAX;
  if (!UAS) meas_start = run.begun + SECONDS(run.churn ? WARM : N / RATE + WARM);
  if (!UAS && !run.churn) meas_end = run.begun + SECONDS(DUR) - SECONDS(0.2);
  for (int i = 0; i < npid; i++) usage_of_peer.rss_before += pidrss(pids[i]);
}

static void place_due_calls(u64 now) {
  while (run.started < TOTAL && now >= run.next_call && nact < N) {
    call_t *c = &C[run.started];
    sprintf(c->callid, "v%x-%u", runid, run.started);
    c->cseq = 1;
    c->st = S_INVITE;
    c->t_invite = now_ns();
    c->t_retx = c->t_invite + T1_NS;
    run.started++;
    nact++;
    send_invite(c);
    run.next_call += SECONDS(1 / RATE);
    if (run.next_call + SECONDS(1) < now) run.next_call = now;
  }
}

// Each call has one of 20 slots of a millisecond.
static void send_media_of_slot(u64 now) {
  for (int i = run.tick % 20; i < calls_known(); i += 20)
    if (C[i].st == S_UP && C[i].have_rtp) rtp_out(&C[i], now);
  if (sn) flush_tx();
}

static void give_up(call_t *c) {
  endcall(c, S_FAIL);
  n_fail++;
}

// Timers A and B of RFC 3261, the 200's retransmission, and the end of the call.
static void keep_timers_of(call_t *c, u64 now) {
  if (c->st == S_INVITE && !c->uas && now > c->t_retx) {
    if (now - c->t_invite > SECONDS(32)) {
      n_timeout++;
      give_up(c);
      return;
    }
    c->retx++;
    n_retx++;
    send_invite(c);
    c->t_retx = now + (T1_NS << (c->retx > 4 ? 4 : c->retx));
  } else if (c->st == S_INVITE && c->uas && now - c->t_invite > T1_NS * (1 + c->retx)) {
    c->retx++;
    n_retx++;
    sip_send(c->lastresp, c->lastresp_len, &c->from);
    if (c->retx > 20) give_up(c);
  } else if (c->st == S_UP && c->t_end && now > c->t_end) {
    c->st = S_BYE;
    c->retx = 0;
    c->t_retx = now + T1_NS;
    req_in(c, "BYE", 2);
  } else if (c->st == S_BYE && now > c->t_retx) {
    c->retx++;
    n_retx++;
    if (c->retx > 6) {
      n_timeout++;
      endcall(c, S_FAIL);
      return;
    }
    req_in(c, "BYE", 2);
    c->t_retx = now + (T1_NS << c->retx);
  }
}

static void keep_timers(u64 now) {
  static int first_alive = 0;
  if (now - run.last_sweep <= SECONDS(0.01)) return;
  run.last_sweep = now;
  int calls = calls_known();
  while (first_alive < calls && (C[first_alive].st == S_DONE || C[first_alive].st == S_FAIL)) first_alive++;
  for (int i = first_alive; i < calls; i++) keep_timers_of(&C[i], now);
}

static void sample_peer(u64 now, int ends) {
  long long cpu = 0;
  long rss = 0;
  for (int i = 0; i < npid; i++) {
    cpu += pidcpu(pids[i]);
    rss += pidrss(pids[i]);
  }
  if (!ends) {
    usage_of_peer.begun = now;
    usage_of_peer.cpu_begun = cpu;
  } else {
    usage_of_peer.ended = now;
    usage_of_peer.cpu_ended = cpu;
    usage_of_peer.rss_ended = rss;
  }
  usage_of_peer.stage = ends ? AFTER : DURING;
}

// -U measures once all calls are up; with -W it then hangs up, a call each millisecond.
static void keep_window(u64 now) {
  if (UAS && uas_next >= N && meas_start == UINT64_MAX) {
    meas_start = now + SECONDS(WARM);
    meas_end = WINDOW > 0 ? meas_start + SECONDS(WINDOW) : now + SECONDS(DUR > 0 ? DUR : 60) - SECONDS(1);
  }
  if (UAS && !run.leaving && ((WINDOW > 0 && now >= meas_end) || stop_)) {
    run.leaving = now;
    for (int i = 0; i < uas_next; i++)
      if (C[i].st == S_UP) C[i].t_end = now + SECONDS(0.001) * i;
  }
  if (usage_of_peer.stage == BEFORE && now >= meas_start) sample_peer(now, 0);
  if (usage_of_peer.stage == DURING && (now >= meas_end || (run.churn && run.started >= TOTAL))) sample_peer(now, 1);
}

static void tick(u64 now) {
  u64 lag = now - run.next_tick;
  if (MEDIA) send_media_of_slot(now);
  if (now > meas_start && now < meas_end) {
    if (lag > txlate_max) txlate_max = lag;
    htx[lag / 10000 > 100000 ? 100000 : lag / 10000]++;
  }
  run.tick++;
  run.next_tick += SECONDS(0.001);
  keep_timers(now);
  keep_window(now);
}

static u64 kernel_time(struct msghdr *m) {
  for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h))
    if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec *t = (void *)CMSG_DATA(h);
      return (u64)t->tv_sec * 1000000000ull + t->tv_nsec;
    }
  return now_ns();
}

static void receive(int f) {
  enum { BATCH = 256 };
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH];
  static u8 data[BATCH][2048], control[BATCH][128];
  static struct sockaddr_in from[BATCH];
  for (int batches = 0; batches < 8; batches++) {
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){data[i], sizeof data[i] - 1};
      messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                            .msg_namelen = sizeof from[i],
                                            .msg_iov = &vectors[i],
                                            .msg_iovlen = 1,
                                            .msg_control = control[i],
                                            .msg_controllen = sizeof control[i]};
    }
    int got = recvmmsg(f, messages, BATCH, MSG_DONTWAIT, 0);
    for (int i = 0; i < got; i++) {
      u64 t = kernel_time(&messages[i].msg_hdr);
      if (f == rs) on_rtp(data[i], messages[i].msg_len, ntohs(from[i].sin_port), t);
      else on_sip((char *)data[i], messages[i].msg_len, &from[i], t);
    }
    if (got < BATCH) return;
  }
}

static int caller_is_done(u64 now) {
  if (run.started >= TOTAL && nact == 0) return 1;
  double lives = run.churn ? (double)TOTAL / N + 1 : 1;
  if (now - run.begun <= SECONDS(DUR * lives + TOTAL / RATE + 60)) return 0;
  fputs("overall timeout\n", stderr);
  return 1;
}

static int carrier_is_done(u64 now) {
  if (uas_next >= TOTAL && nact == 0) return 1;
  if (run.leaving && now - run.leaving > SECONDS(stop_ ? 3 : 10)) return 1;
  if (n_uas_new && nact == 0) {
    if (!run.idle_since) run.idle_since = now;
    if (now - run.idle_since > SECONDS(60)) return 1;
  } else run.idle_since = 0;
  return now - run.begun > SECONDS(DUR + WINDOW + 600);
}

static int is_done(u64 now) {
  if (stop_ && (!UAS || nact == 0)) return 1;
  return UAS ? carrier_is_done(now) : caller_is_done(now);
}

static void wait_for_work(void) {
  u64 now = now_ns(), wake = run.next_tick;
  if (!UAS && run.started < TOTAL && nact < N && run.next_call < wake) wake = run.next_call;
  if (wake <= now) return;
  struct timespec left = {0, (long)(wake - now)};
  struct pollfd sip = {ss, POLLIN, 0};  // RTP has its time in the kernel: it may wait for the tick
  ppoll(&sip, 1, &left, 0);
}

/* ---- report ---- */

static void report(void) {
  u64 rx = 0, lost = 0, late = 0, g40 = 0, disc = 0;
  double jitter_sum = 0, jitter_max = 0, worst = 0;
  int heard = 0, silent = 0, bad = 0;
  for (int i = 0; i < calls_known(); i++) {
    call_t *c = &C[i];
    rx += c->rx;
    lost += c->lost;
    late += c->late;
    g40 += c->gaps40;
    disc += c->disc;
    if (c->rx <= 10) {
      if (c->t_up && MEDIA && !run.churn) silent++;
      continue;
    }
    heard++;
    jitter_sum += c->jit;
    if (c->jit > jitter_max) jitter_max = c->jit;
    double share = (double)(c->lost + c->late) / (c->rx + c->lost);
    if (share > 0.01) bad++;
    if (share > worst) worst = share;
  }
  qsort(setup_us, n_su, sizeof *setup_us, cmp32);
  qsort(echo_us, n_echo, sizeof *echo_us, cmp32);
  double jitter = heard ? jitter_sum / heard / 1e6 : 0;
  double secs = usage_of_peer.ended > usage_of_peer.begun ? (usage_of_peer.ended - usage_of_peer.begun) / 1e9 : 0;
  double expected = !run.churn && (!UAS || WINDOW > 0) ? secs * 50 * n_setup : 0;
  double missing = expected > 0 ? 100.0 * (1 - (double)rx / expected) : 0;
  double cpu = secs ? 100.0 * (usage_of_peer.cpu_ended - usage_of_peer.cpu_begun) / sysconf(_SC_CLK_TCK) / secs : 0;
  double lost_or_late = rx + lost ? 100.0 * (lost + late) / (double)(rx + lost) : 0;
  if (JSON) {
    printf("{\"calls\":%d,\"set_up\":%lu,\"failed\":%lu,\"timed_out\":%lu,\"repeated\":%lu,\"silent\":%d,", calls_known(), n_setup, n_fail,
           n_timeout, n_retx, silent);
    printf("\"setup_p50_ms\":%.2f,\"setup_p99_ms\":%.2f,", pct(setup_us, n_su, .5), pct(setup_us, n_su, .99));
    printf("\"window_s\":%.2f,\"packets\":%lu,\"lost\":%lu,\"late\":%lu,", secs, rx, lost, late);
    printf("\"lost_or_late_percent\":%.4f,\"missing_percent\":%.3f,\"bad_calls\":%d,", lost_or_late, missing, bad);
    printf("\"delay_p99_ms\":%.2f,\"jitter_mean_ms\":%.3f,\"jitter_max_ms\":%.3f,", hp(hlate, 100001, .99), jitter, jitter_max / 1e6);
    printf("\"peer_cpu_percent\":%.1f,\"peer_rss_kb\":%ld,\"peer_rss_before_kb\":%ld}\n", cpu, usage_of_peer.rss_ended,
           usage_of_peer.rss_before);
    return;
  }
  printf("calls=%d set_up=%lu failed=%lu timed_out=%lu repeated=%lu bye_ok=%lu silent=%d most_at_once=%d\n", calls_known(), n_setup, n_fail,
         n_timeout, n_retx, n_byeok, silent, run.most_at_once);
  for (int code = 300; code < 700; code++)
    if (failcodes[code]) printf("  status %d x%d\n", code, failcodes[code]);
  printf("  set-up ms p50=%.2f p95=%.2f p99=%.2f max=%.2f\n", pct(setup_us, n_su, .5), pct(setup_us, n_su, .95), pct(setup_us, n_su, .99),
         pct(setup_us, n_su, 1));
  if (MEDIA) {
    printf(
        "  packets=%lu lost=%lu late>%.0fms=%lu lost+late=%.3f%% missing=%.2f%% gaps>40ms=%lu jumps=%lu bad_calls(>1%%)=%d worst=%.2f%%\n",
        rx, lost, LATE_NS / 1e6, late, lost_or_late, missing, g40, disc, bad, worst * 100);
    printf("  inter-arrival ms p1=%.2f p50=%.2f p99=%.2f p99.9=%.2f; delay ms p50=%.2f p99=%.2f p99.9=%.2f\n", hp(hist, 200001, .01),
           hp(hist, 200001, .5), hp(hist, 200001, .99), hp(hist, 200001, .999), hp(hlate, 100001, .5), hp(hlate, 100001, .99),
           hp(hlate, 100001, .999));
    printf("  jitter ms mean=%.3f max=%.3f; own lag ms p99=%.2f max=%.2f\n", jitter, jitter_max / 1e6, hp(htx, 100001, .99),
           txlate_max / 1e6);
  }
  if (n_echo)
    printf("  echo ms n=%lu p50=%.2f p95=%.2f p99=%.2f max=%.2f\n", n_echo, pct(echo_us, n_echo, .5), pct(echo_us, n_echo, .95),
           pct(echo_us, n_echo, .99), pct(echo_us, n_echo, 1));
  if (npid)
    printf("  peer cpu=%.1f%% of a core over %.1f s, memory %ld kB, before %ld kB\n", cpu, secs, usage_of_peer.rss_ended,
           usage_of_peer.rss_before);
}

int main(int ac, char **av) {
  if (!read_options(ac, av)) {
    usage();
    return 2;
  }
  peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PPORT)};
  if (strncmp(PEER, "127.", 4) || !inet_pton(AF_INET, PEER, &peer.sin_addr)) {
    fputs("loopback only\n", stderr);
    return 2;
  }
  signal(SIGINT, onint);
  signal(SIGTERM, onint);
  prctl(PR_SET_TIMERSLACK, 1);
  srand(time(0) ^ getpid());
  runid = (rand() << 8 ^ getpid()) & 0xffffff;
  allocate();
  ss = open_socket("SIP socket", &LPORT);
  rs = open_socket("RTP socket", &RPORT);
  if (JSON) {
    printf("{\"ready\":true,\"sip_port\":%d,\"rtp_port\":%d}\n", LPORT, RPORT);
    fflush(stdout);
  }
  begin_run();
  for (u64 now = now_ns(); !is_done(now); now = now_ns()) {
    if (!UAS) place_due_calls(now);
    if (nact > run.most_at_once) run.most_at_once = nact;
    if (now >= run.next_tick) tick(now);
    receive(rs);
    receive(ss);
    wait_for_work();
  }
  if (usage_of_peer.stage == DURING) sample_peer(now_ns(), 1);
  report();
  return 0;
}
