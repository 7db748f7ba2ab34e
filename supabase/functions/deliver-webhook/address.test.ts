// Which addresses and URLs are refused, in every notation. What should be is written out here, by
// the registries of special addresses (IANA, RFC 6890 and its successors), not worked out.
import assert from "node:assert/strict";
import { isPublic, sameAddress } from "./address.ts";
import { developmentHosts, Refused, targetOf } from "./target.ts";

const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "93.184.216.34",
  "100.63.255.255",
  "100.128.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.167.255.255",
  "192.169.0.1",
  "169.253.255.255",
  "198.17.255.255",
  "198.20.0.1",
  "223.255.255.254",
  "2606:4700:4700::1111",
  "2a00:1450:4001:830::200e",
  "2001:4860:4860::8888",
  "2003::1",
];

const NOT_PUBLIC = [
  // this network, private, shared (CGNAT), loopback, link-local and metadata
  ...["0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255"],
  ...["192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "100.100.100.200"],
  ...["127.0.0.1", "127.255.255.254", "169.254.0.1", "169.254.169.254", "168.63.129.16"],
  // protocol assignments, documentation, benchmarking, 6to4 relays, multicast, reserved, broadcast
  ...["192.0.0.1", "192.0.0.192", "192.0.2.1", "198.51.100.7", "203.0.113.9", "192.88.99.1"],
  ...["198.18.0.1", "198.19.255.255", "224.0.0.1", "239.255.255.250", "240.0.0.1"],
  ...["255.255.255.255"],
  // unspecified, loopback, IPv4-mapped and -compatible
  ...[
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "::8.8.8.8",
  ],
  ...["0:0:0:0:0:ffff:a00:1", "::ffff:0:127.0.0.1"],
  // unique local, link-local, site-local, multicast
  ...["fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1"],
  // NAT64, 6to4, Teredo, ISATAP of private addresses is link-local
  ...["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::1"],
  ...["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:2::1"],
  // documentation, discard, segment routing, what is not handed out
  ...["2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1", "e000::1", "1::1", "200::1"],
  // no address, or more than one
  ...["", "localhost", "127.1", "0x7f000001", "2130706433", "fe80::1%eth0", "::1%lo", "1.1.1"],
  ...["1.1.1.1.1", "1.1.1.1/8", "[::1]", "1.1.1.1:80", " 1.1.1.1", "01.1.1.1"],
];

Deno.test("public addresses may be reached", () => {
  for (const address of PUBLIC) assert.ok(isPublic(address), address);
});

Deno.test("no other may", () => {
  for (const address of NOT_PUBLIC) assert.ok(!isPublic(address), address);
});

Deno.test("edges of the ranges hold bit by bit", () => {
  const privateRanges: [number, number][] = [
    [0x00000000, 8],
    [0x0a000000, 8],
    [0x64400000, 10],
    [0x7f000000, 8],
    [0xa9fe0000, 16],
    [0xac100000, 12],
    [0xc0a80000, 16],
    [0xc6120000, 15],
    [0xe0000000, 4],
    [0xf0000000, 4],
  ];
  const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
  const inside = (value: number) =>
    privateRanges.some(([base, bits]) => (value >>> (32 - bits)) === (base >>> (32 - bits)));
  for (const [base, bits] of privateRanges) {
    const last = base + 2 ** (32 - bits) - 1;
    for (const value of [base, last, base - 1, last + 1]) {
      if (value < 0 || value > 0xffffffff) continue;
      assert.equal(isPublic(text(value)), !inside(value), text(value));
    }
  }
});

/** Each is 127.0.0.1, 169.254.169.254, 10.0.0.1 or ::1 to somebody. */
const DISGUISED = [
  "127.0.0.1",
  "127.1",
  "127.0.1",
  "2130706433",
  "0x7f000001",
  "0x7f.1",
  "0x7F.0x0.0x0.0x1",
  "017700000001",
  "0177.0.0.1",
  "0177.0.0.01",
  "127.0.0.1.",
  "127.0.0.1%2e",
  "%31%32%37.0.0.1",
  "１２７.０.０.１",
  "127。0。0。1",
  "①②⑦.⓪.⓪.①",
  "0",
  "0.0.0.0",
  "169.254.169.254",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "10.0.0.1",
  "012.1",
  "[::1]",
  "[::]",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::127.0.0.1]",
  "[64:ff9b::127.0.0.1]",
  "[2002:7f00:0001::]",
  "[fe80::1]",
  "[fd00:ec2::254]",
];

const refusalOf = (url: string, development = new Set<string>()) => {
  try {
    targetOf(url, development);
    return null;
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    return error.error_code;
  }
};

Deno.test("an address that is not public is refused in every notation", () => {
  for (const host of DISGUISED) {
    assert.equal(refusalOf(`https://${host}/hook`), "address_refused", host);
    assert.equal(refusalOf(`https://${host}:8443/hook`), "address_refused", host);
  }
});

Deno.test("only https, without credentials, at ports of no other service", () => {
  for (
    const url of [
      "http://example.com/",
      "ftp://example.com/",
      "file:///etc/passwd",
      "gopher://example.com:70/",
      "data:text/plain,hi",
      "javascript:1",
      "https://user@example.com/",
      "https://user:password@example.com/",
      "https://:password@example.com/",
      "https://example.com:22/",
      "https://example.com:25/",
      "https://example.com:80/",
      "https://example.com:1023/",
      "https://example.com:0/",
      "https://",
      "https://exa mple.com/",
      "//example.com/",
      "/hook",
      "",
    ]
  ) assert.equal(refusalOf(url), "url_refused", url);
  for (
    const url of [
      "https://example.com/",
      "https://example.com:443/",
      "https://example.com:8443/hook?x=1",
      "https://bücher.example/",
      "https://example.com./",
      "https://1.1.1.1/",
      "https://[2606:4700:4700::1111]/",
    ]
  ) assert.equal(refusalOf(url), null, url);
});

Deno.test("hosts of the development list are free, and only they", () => {
  const development = developmentHosts(" localhost:8080, 127.0.0.1 ,");
  assert.deepEqual([...development], ["localhost:8080", "127.0.0.1"]);
  assert.equal(refusalOf("http://localhost:8080/", development), null);
  assert.equal(refusalOf("http://127.0.0.1:25/", development), null);
  assert.equal(refusalOf("http://127.1/", development), null);
  assert.equal(refusalOf("http://localhost:8081/", development), "url_refused");
  assert.equal(refusalOf("http://127.0.0.2/", development), "url_refused");
  assert.equal(refusalOf("https://127.0.0.2/", development), "address_refused");
  assert.equal(refusalOf("ftp://127.0.0.1/", development), "url_refused");
  assert.equal(developmentHosts(undefined).size, 0);
  assert.equal(developmentHosts("").size, 0);
});

Deno.test("an address is itself however it is written", () => {
  assert.ok(sameAddress("::ffff:127.0.0.1", "127.0.0.1"));
  assert.ok(sameAddress("2606:4700:0:0::1111", "2606:4700::1111"));
  assert.ok(!sameAddress("127.0.0.1", "127.0.0.2"));
  assert.ok(!sameAddress(undefined, "127.0.0.1"));
  assert.ok(!sameAddress("localhost", "localhost"));
});
