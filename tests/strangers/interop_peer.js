// gRPC's interoperability tests in Node's library: interop_peer.js serve | call PORT CASE, with interop.proto beside it.
'use strict';
const assert = require('assert');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const proto = process.env.INTEROP_PROTO || path.join(__dirname, 'interop.proto');
const api = grpc.loadPackageDefinition(loader.loadSync(proto, {keepCase: true})).grpc.testing;
const DOWN = [31415, 9, 2653, 58979], UP = [27182, 8, 1828, 45904];
const MARK = 'x-grpc-test-echo-initial', MARK_BIN = 'x-grpc-test-echo-trailing-bin';
const ODD = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n';
const zeros = (n) => ({body: Buffer.alloc(n)});
const sum = (list) => list.reduce((a, b) => a + b, 0);

// --- server ---

function echo(call) {
  const first = call.metadata.get(MARK), last = call.metadata.get(MARK_BIN), trailers = new grpc.Metadata();
  if (first.length) {
    const initial = new grpc.Metadata();
    initial.set(MARK, first[0]);
    call.sendMetadata(initial);
  }
  if (last.length) trailers.set(MARK_BIN, last[0]);
  return trailers;
}

const failure = (status, metadata) => ({code: status.code, details: status.message, metadata});

function unary(call, done) {
  const trailers = echo(call), status = call.request.response_status;
  if (status && status.code) return done(failure(status, trailers));
  return done(null, {payload: zeros(call.request.response_size)}, trailers);
}

async function answer(call, request) {
  for (const wanted of request.response_parameters) {
    if (wanted.interval_us) await new Promise((good) => setTimeout(good, wanted.interval_us / 1000));
    call.write({payload: zeros(wanted.size)});
  }
}

function duplex(call) {
  const trailers = echo(call);
  let turn = Promise.resolve(), failed = false;
  call.on('data', (request) => {
    turn = turn.then(() => {
      if (failed) return undefined;
      const status = request.response_status;
      if (!status || !status.code) return answer(call, request);
      failed = true;
      return call.emit('error', failure(status, trailers));
    });
  });
  call.on('end', () => turn.then(() => failed || call.end(trailers)));
}

function serve() {
  const server = new grpc.Server();
  server.addService(api.TestService.service, {
    EmptyCall: (call, done) => done(null, {}),
    UnaryCall: unary,
    StreamingOutputCall: (call) => answer(call, call.request).then(() => call.end()),
    StreamingInputCall: (call, done) => {
      let size = 0;
      call.on('data', (r) => { size += r.payload.body.length; });
      call.on('end', () => done(null, {aggregated_payload_size: size}));
    },
    FullDuplexCall: duplex,
  });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (e, port) => console.log(`port ${port}`));
}

// --- client ---

const wanted = (sizes, more) => ({response_parameters: sizes.map((size) => ({size, ...more}))});

function ask(client, name, request, metadata) {
  return new Promise((done) => {
    const seen = {};
    const call = client[name](request, metadata || new grpc.Metadata(), (e, answer) => { seen.answer = answer; });
    call.on('metadata', (m) => { seen.initial = m; });
    call.on('status', (s) => setImmediate(() => done({...seen, status: s})));
  });
}

// All that comes back; `onto` may write to the call at each answer.
function hear(call, onto) {
  return new Promise((done) => {
    const seen = {sizes: []};
    call.on('metadata', (m) => { seen.initial = m; });
    call.on('data', (a) => { seen.sizes.push(a.payload.body.length); if (onto) onto(seen.sizes.length); });
    call.on('error', () => {});
    call.on('status', (s) => done({...seen, status: s}));
  });
}

const marked = () => {
  const m = new grpc.Metadata();
  m.set(MARK, 'test_initial_metadata_value');
  m.set(MARK_BIN, Buffer.from([0xab, 0xab, 0xab]));
  return m;
};
const isMarked = (seen) => {
  assert.deepStrictEqual(seen.initial.get(MARK), ['test_initial_metadata_value']);
  assert.deepStrictEqual(seen.status.metadata.get(MARK_BIN), [Buffer.from([0xab, 0xab, 0xab])]);
};
const large = {response_size: 314159, payload: zeros(271828)};

const cases = {
  empty_unary: async (c) => assert.deepStrictEqual((await ask(c, 'EmptyCall', {})).answer, {}),
  large_unary: async (c) => assert.strictEqual((await ask(c, 'UnaryCall', large)).answer.payload.body.length, 314159),
  client_streaming: (c) => new Promise((good, bad) => {
    const call = c.StreamingInputCall((e, a) => (e ? bad(e) : good(assert.strictEqual(a.aggregated_payload_size, sum(UP)))));
    UP.forEach((n) => call.write({payload: zeros(n)}));
    call.end();
  }),
  server_streaming: async (c) => assert.deepStrictEqual((await hear(c.StreamingOutputCall(wanted(DOWN)))).sizes, DOWN),
  ping_pong: async (c) => {
    const call = c.FullDuplexCall();
    const next = (i) => (i < DOWN.length ? call.write({...wanted([DOWN[i]]), payload: zeros(UP[i])}) : call.end());
    const all = hear(call, next);
    next(0);
    assert.deepStrictEqual((await all).sizes, DOWN);
  },
  empty_stream: async (c) => {
    const call = c.FullDuplexCall(), all = hear(call);
    call.end();
    const seen = await all;
    assert.deepStrictEqual([seen.sizes, seen.status.code], [[], 0]);
  },
  cancel_after_begin: (c) => new Promise((good, bad) => {
    const call = c.StreamingInputCall((e) => (e && e.code === grpc.status.CANCELLED ? good() : bad(e)));
    setImmediate(() => call.cancel());
  }),
  cancel_after_first_response: async (c) => {
    const call = c.FullDuplexCall(), all = hear(call, () => call.cancel());
    call.write({...wanted([DOWN[0]]), payload: zeros(UP[0])});
    assert.strictEqual((await all).status.code, grpc.status.CANCELLED);
  },
  timeout_on_sleeping_server: async (c) => {
    const call = c.FullDuplexCall({deadline: Date.now() + 50}), all = hear(call);
    call.write(wanted([DOWN[0]], {interval_us: 500000}));
    assert.strictEqual((await all).status.code, grpc.status.DEADLINE_EXCEEDED);
  },
  status_code_and_message: async (c) => {
    const response_status = {code: 2, message: 'test status message'};
    const told = (seen) => assert.deepStrictEqual([seen.status.code, seen.status.details], [2, response_status.message]);
    told(await ask(c, 'UnaryCall', {response_status}));
    const call = c.FullDuplexCall(), all = hear(call);
    call.write({response_status});
    call.end();
    told(await all);
  },
  special_status_message: async (c) => {
    const seen = await ask(c, 'UnaryCall', {response_status: {code: 2, message: ODD}});
    assert.deepStrictEqual([seen.status.code, seen.status.details], [2, ODD]);
  },
  custom_metadata: async (c) => {
    isMarked(await ask(c, 'UnaryCall', large, marked()));
    const call = c.FullDuplexCall(marked()), all = hear(call);
    call.write(wanted([314159]));
    call.end();
    isMarked(await all);
  },
  unimplemented_method: async (c) => assert.strictEqual((await ask(c, 'UnimplementedCall', {})).status.code, 12),
  unimplemented_service: async (c, port) => {
    const other = new api.UnimplementedService(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    assert.strictEqual((await ask(other, 'UnimplementedCall', {})).status.code, 12);
    other.close();
  },
};

async function call(port, name) {
  const client = new api.TestService(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  await cases[name](client, port);
  client.close();
}

if (process.argv[2] === 'serve') serve();
else call(process.argv[3], process.argv[4]).catch((e) => { console.error(e); process.exit(1); });
