import { generate } from 'selfsigned';

export interface Pem { certificate: string; key: string }
export interface LeafOptions { dns?: string[]; ip?: string[]; uri?: string[]; notBefore?: Date; notAfter?: Date }

/** A private authority for tests, and what it issues. */
export class TestAuthority {
  private constructor(readonly pem: Pem) {}

  static async create(name = 'Test authority'): Promise<TestAuthority> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
      keyType: 'ec', algorithm: 'sha256', extensions: [{ name: 'basicConstraints', cA: true, critical: true }, { name: 'keyUsage', keyCertSign: true, digitalSignature: true }],
    });
    return new TestAuthority({ certificate: cert, key });
  }

  async issue({ dns = [], ip = [], uri = [], notBefore, notAfter }: LeafOptions): Promise<Pem> {
    const altNames = [...dns.map((value) => ({ type: 2 as const, value })), ...ip.map((value) => ({ type: 7 as const, ip: value })), ...uri.map((value) => ({ type: 6 as const, value }))];
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'leaf' }], {
      keyType: 'ec', algorithm: 'sha256', ca: { cert: this.pem.certificate, key: this.pem.key }, notBeforeDate: notBefore, notAfterDate: notAfter,
      extensions: [{ name: 'basicConstraints', cA: false }, { name: 'subjectAltName', altNames }],
    });
    return { certificate: cert, key };
  }
}
