// SPDX-License-Identifier: Apache-2.0
// Drives the API with @grpc/grpc-js, as steps.json says. Arguments and output as clients.py; for a
// client without reflection SCHEMA is a folder of .proto files. NODE_PATH says where the packages are,
// GRPC_PROTO where Debian's grpc-proto is.
'use strict';

const fs = require('fs');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const reflection = require('grpc-reflection-js');
const protobuf = require('protobufjs');
const descriptor = require('protobufjs/ext/descriptor');

const CONTROL = 6440;
const BOOTSTRAP = 6439;
const TIMEOUT_MS = 10000;
const OPTIONS = { longs: String, enums: String, defaults: true };
const INCLUDES = [process.env.GRPC_PROTO, '/usr/include'];

const [host, variablesPath, schema] = process.argv.slice(2);
const vars = JSON.parse(fs.readFileSync(variablesPath));
const clients = {};
const driven = new Set();

function fail(text) {
  throw new Error(text);
}

function credentials(who) {
  const ca = fs.readFileSync(vars.ca);
  if (who === 'admin') {
    return grpc.credentials.createSsl(ca, fs.readFileSync(vars.key), fs.readFileSync(vars.cert));
  }
  if (who === 'node') {
    return grpc.credentials.createSsl(ca, fs.readFileSync(vars.node_key), Buffer.from(vars.certificate));
  }
  return grpc.credentials.createSsl(ca);
}

function client(who) {
  if (!(who in clients)) {
    const port = who === 'guest' ? BOOTSTRAP : CONTROL;
    clients[who] = new grpc.Client(`${host}:${port}`, credentials(who));
  }
  return clients[who];
}

// A name of JSON as it is in .proto files. What comes by reflection has those names, what is read from
// files has JSON's: requests are given both, the one that there is not is passed over.
function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function fill(value) {
  if (typeof value === 'string') {
    return value.replace(/\$\{(\w+)\}/g, (_, name) => vars[name]);
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value)
      .flatMap(([k, v]) => [[k, fill(v)], [snake(k), fill(v)]]));
  }
  return value;
}

function call(method, who, request, take) {
  const deadline = new Date(Date.now() + TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    const c = client(who);
    if (take === undefined) {
      c.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request,
        new grpc.Metadata(), { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
      return;
    }
    const stream = c.makeServerStreamRequest(method.path, method.requestSerialize,
      method.responseDeserialize, request, new grpc.Metadata(), { deadline });
    let left = take;
    stream.on('data', (answer) => {
      if (--left === 0) {
        stream.cancel();
        resolve(answer);
      }
    });
    stream.on('error', (error) => (left > 0 ? reject(error) : null));
    stream.on('end', () => reject(new Error('the stream has ended')));
  });
}

// --- schemas ---------------------------------------------------------------------------------------

// One dialog of reflection with all the questions.
function reflect(version, questions) {
  const name = `grpc.reflection.${version}.ServerReflection`;
  const file = `grpc/reflection/${version}/reflection.proto`;
  const service = loader.loadSync(file, { ...OPTIONS, includeDirs: INCLUDES })[name];
  const method = service.ServerReflectionInfo;
  driven.add(`${name}/ServerReflectionInfo`);
  return new Promise((resolve, reject) => {
    const answers = [];
    const dialog = client('admin').makeBidiStreamRequest(method.path, method.requestSerialize,
      method.responseDeserialize);
    dialog.on('data', (answer) => answers.push(answer));
    dialog.on('error', reject);
    dialog.on('end', () => resolve(answers));
    questions.forEach((question) => dialog.write(question));
    dialog.end();
  });
}

async function reflectedSchema(version, symbols) {
  const files = new Map();
  const answers = await reflect(version, symbols.map((s) => ({ fileContainingSymbol: s })));
  for (const answer of answers) {
    if (!answer.fileDescriptorResponse) fail(`reflection: ${JSON.stringify(answer.errorResponse)}`);
    answer.fileDescriptorResponse.fileDescriptorProto.forEach((f) => files.set(f.toString('hex'), f));
  }
  // A FileDescriptorSet: field 1, repeated.
  const parts = [];
  for (const file of files.values()) {
    const head = [0x0a];
    let n = file.length;
    for (; n > 127; n >>= 7) head.push((n & 127) | 128);
    head.push(n);
    parts.push(Buffer.from(head), file);
  }
  return loader.loadFileDescriptorSetFromBuffer(Buffer.concat(parts), OPTIONS);
}

// A library for reflection that is nobody's who made the API: it must find its way, too.
async function checkForeignReflection() {
  const c = new reflection.Client(`${host}:${CONTROL}`, credentials('admin'));
  const services = await c.listServices();
  const root = await c.fileContainingSymbol('litevpn.v1.Node');
  const methods = Object.keys(root.lookupService('litevpn.v1.Node').methods);
  if (!services.includes('litevpn.v1.Node') || !methods.includes('GetNode')) {
    fail(`grpc-reflection-js sees ${services} and ${methods}`);
  }
  c.grpcClient.close();
}

function filesSchema(folder) {
  const protos = fs.readdirSync(folder, { recursive: true })
    .filter((f) => f.endsWith('.proto') && !f.startsWith('ipc'));
  return loader.loadSync([...protos, 'grpc/health/v1/health.proto'],
    { ...OPTIONS, includeDirs: [folder, ...INCLUDES] });
}

// --- steps -----------------------------------------------------------------------------------------

// The google.rpc.Status of a refusal, and its details by name.
function details(types, error) {
  const [packed] = error.metadata.get('grpc-status-details-bin');
  const root = protobuf.Root.fromDescriptor({
    file: types['google.rpc.Status'].fileDescriptorProtos
      .map((f) => descriptor.FileDescriptorProto.decode(f)),
  });
  const read = (name, bytes) => {
    const type = root.lookupType(name);
    return type.toObject(type.decode(bytes), { longs: String, arrays: true });
  };
  const status = read('google.rpc.Status', packed);
  return [status, Object.fromEntries(status.details.map((d) => {
    const name = (d.typeUrl || d.type_url).split('/')[1];
    return [name.split('.').pop(), read(name, d.value)];
  }))];
}

function checkRefusal(types, step, error) {
  if (error.metadata === undefined) throw error;
  const [status, all] = details(types, error);
  const info = all.ErrorInfo;
  const got = [grpc.status[error.code], status.code, status.message, info.domain, info.reason];
  const want = [step.code, error.code, error.details, 'litevpn', step.reason];
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    fail(`${step.call}: ${got}, but should be ${want}`);
  }
  const violations = step.field && (all.BadRequest.fieldViolations || all.BadRequest.field_violations);
  if (step.field && violations[0].field !== step.field) {
    fail(`${step.call}: the fields ${JSON.stringify(all.BadRequest)} are wrong`);
  }
}

async function take(types, step) {
  const [service, name] = step.call.split('/');
  const method = types[service][name];
  let answer;
  driven.add(step.call);
  try {
    answer = await call(method, step.as, fill(step.request), step.take);
  } catch (error) {
    if (step.code === undefined) fail(`${step.call}: ${error.message}`);
    checkRefusal(types, step, error);
    return;
  }
  if (step.code !== undefined) fail(`${step.call}: is let through, but should be ${step.code}`);
  for (const [variable, where] of Object.entries(step.save || {})) {
    vars[variable] = where.split('.').reduce((value, part) => value[part] ?? value[snake(part)], answer);
  }
}

async function main() {
  const { steps } = JSON.parse(fs.readFileSync(path.join(__dirname, 'steps.json')));
  let types;
  if (schema === 'v1' || schema === 'v1alpha') {
    const services = [...new Set(steps.map((s) => s.call.split('/')[0]))];
    types = await reflectedSchema(schema, [...services, 'google.rpc.Status']);
    await checkForeignReflection();
  } else {
    types = filesSchema(schema);
  }
  for (const step of steps) {
    await take(types, step); // one after the other: each needs what the ones before it did
  }
  console.log([...driven].sort().join('\n'));
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
}).finally(() => Object.values(clients).forEach((c) => c.close()));
