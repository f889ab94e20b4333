// SPDX-License-Identifier: Apache-2.0
// What the mock server shows at first: enough to see every state and every severity.

const minutesAgo = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

export function instance(id, more = {}) {
  return {
    id,
    url: `http://127.0.0.1:4${id.slice(-4)}`,
    state: 'ready',
    host: 'yard',
    pid: 4100,
    since: minutesAgo(37),
    revision: 1,
    reason: '',
    restarts: 0,
    ...more,
  };
}

export function deployment(name, version, more = {}) {
  const instances = more.instances ?? [instance(`${name}-${version}-0001`)];
  return {
    name,
    version,
    wanted: instances.length,
    ready: instances.filter((i) => i.state === 'ready').length,
    restarts: 0,
    state: 'ready',
    error: null,
    memory: 0,
    vcores: 1,
    revision: 1,
    revisions: [
      {
        number: 1,
        digest: 'sha256:3b1f5cc7a7f0d1f64f0c0a2f4f9f7d1d6f2f2c1c6f3b0c7c4b8c2a7d4e5f6a70',
        created: minutesAgo(40),
        by: 'ana',
      },
    ],
    calls_per_second: 0,
    latency_ms: { p50: 0, p99: 0 },
    ...more,
    instances,
  };
}

export const crashLog = `the script exited with status 1 before it wrote endpoint.dat; started again in 32 s
Traceback (most recent call last):
  File "/var/lib/modelyard/instances/phishing-2.1-0003/model.py", line 14, in <module>
    weights = load("weights-2026-11.npz")
FileNotFoundError: [Errno 2] No such file or directory: 'weights-2026-11.npz'`;

export function deployments() {
  return [
    deployment('dga', '9.0', { calls_per_second: 3.4, latency_ms: { p50: 1.1, p99: 4.2 } }),
    deployment('dga', '10.0', {
      calls_per_second: 128.3,
      latency_ms: { p50: 1.4, p99: 7.9 },
      restarts: 2,
      revision: 3,
      revisions: [
        {
          number: 3,
          digest: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
          created: minutesAgo(38),
          by: 'ana',
        },
        {
          number: 2,
          digest: 'sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
          created: minutesAgo(900),
          by: 'ben',
        },
      ],
      instances: [
        instance('dga-10.0-0001'),
        instance('dga-10.0-0002', { restarts: 2, since: minutesAgo(3), pid: 4187 }),
        instance('dga-10.0-0005', { since: minutesAgo(61) }),
      ],
    }),
    deployment('phishing', '2.1', {
      state: 'crash-loop',
      wanted: 1,
      ready: 0,
      restarts: 6,
      error: crashLog,
      instances: [
        instance('phishing-2.1-0003', {
          state: 'failed',
          url: null,
          pid: null,
          reason: 'exited with status 1',
          restarts: 6,
        }),
      ],
    }),
    deployment('sentiment', '1', {
      state: 'degraded',
      wanted: 2,
      ready: 1,
      calls_per_second: 11.8,
      latency_ms: { p50: 42, p99: 310 },
      memory: 512,
      instances: [
        instance('sentiment-1-0001', { since: minutesAgo(2960) }),
        instance('sentiment-1-0002', { state: 'starting', url: null, since: minutesAgo(0.2), pid: 9911 }),
      ],
    }),
  ];
}

export function events() {
  return [
    {
      sequence: 1,
      at: minutesAgo(40),
      name: 'dga',
      version: '10.0',
      instance: '',
      kind: 'deployed',
      text: 'revision 3 by ana, 3 instances wanted',
    },
    {
      sequence: 2,
      at: minutesAgo(39),
      name: 'dga',
      version: '10.0',
      instance: 'dga-10.0-0001',
      kind: 'ready',
      text: 'answers at http://127.0.0.1:40001',
    },
    {
      sequence: 3,
      at: minutesAgo(3),
      name: 'dga',
      version: '10.0',
      instance: 'dga-10.0-0002',
      kind: 'failed',
      text: 'ended by signal 9; started again at once',
    },
    {
      sequence: 4,
      at: minutesAgo(3),
      name: 'dga',
      version: '10.0',
      instance: 'dga-10.0-0002',
      kind: 'ready',
      text: 'answers at http://127.0.0.1:40002',
    },
  ];
}

export const nastyLine = '\u001b[31mred\u001b[0m <img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

export function logs() {
  return [
    { instance: 'dga-10.0-0001', stream: 'stdout', line: 'model loaded in 214 ms, answers on 127.0.0.1:40001' },
    { instance: 'dga-10.0-0001', stream: 'stdout', line: 'host=yahoo.com is_malicious=legit' },
    { instance: 'dga-10.0-0002', stream: 'stderr', line: 'warning: the list of known names is 31 days old' },
    { instance: 'dga-10.0-0001', stream: 'stdout', line: nastyLine },
    { instance: 'dga-10.0-0002', stream: 'stdout', line: 'host=xkqzvbn.com is_malicious=malicious' },
  ];
}

let serial = 0;

export function squid(host, more = {}) {
  serial += 1;
  return {
    'source:type': 'squid',
    timestamp: Date.now() - serial * 7000,
    guid: `0b6f2c9e-0000-4000-8000-${String(serial).padStart(12, '0')}`,
    original_string: `1795394740.983      3 10.0.4.17 TCP_MISS/200 287 GET http://${host}/ - HIER_DIRECT/93.184.216.34 text/html`,
    ip_src_addr: '10.0.4.17',
    ip_dst_addr: '93.184.216.34',
    method: 'GET',
    action: 'TCP_MISS',
    code: 200,
    bytes: 287,
    elapsed: 3,
    url: `http://${host}/`,
    full_hostname: host,
    domain_without_subdomains: host,
    is_malicious: 'legit',
    ...more,
  };
}

export function alert(host, score, more = {}) {
  return squid(host, {
    is_malicious: 'malicious',
    is_alert: 'true',
    'threat:triage:score': score,
    'threat:triage:level': score,
    'threat:triage:rules:0:name': 'Generated domain name',
    'threat:triage:rules:0:score': score,
    'threat:triage:rules:0:reason': `${host} looks generated`,
    ...more,
  });
}

export const nastyDocument = () =>
  squid('evil.example', {
    url: '<script>window.hacked=1</script><img src=x onerror=window.hacked=1>',
    '<b onmouseover=alert(1)>name</b>': '"><svg onload=window.hacked=1>',
    'source:type': '<i>squid</i>',
    bytes: null,
    nested: { a: ['<u>1</u>'] },
  });

export function documents() {
  const hosts = ['yahoo.com', 'amazon.com', 'news.example.org', 'static.example.net', 'mail.example.com'];
  const list = [
    alert('xkqzvbn.com', 100),
    squid('yahoo.com'),
    squid('amazon.com'),
    alert('qzvbnmtr.net', 55),
    alert('paste.example.io', 20),
    {
      'source:type': 'error',
      failed_sensor_type: 'squid',
      error_type: 'parser_error',
      message: 'the line does not match SQUID_DELIMITED',
      raw_message: '\u0000\ufffd not a squid line',
      timestamp: Date.now() - 60_000,
      guid: 'e-1',
    },
    {
      'source:type': 'asa',
      timestamp: Date.now() - 90_000,
      guid: 'a-1',
      message: 'Deny tcp src outside:198.51.100.7/51234 dst inside:10.0.4.2/22',
      ip_src_addr: '198.51.100.7',
      ip_dst_addr: '10.0.4.2',
    },
  ];
  for (let i = 0; i < 160; i++) list.push(squid(hosts[i % hosts.length]));
  return list;
}
