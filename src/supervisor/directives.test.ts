import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, readText, refusals } from "../../tests/conf/blocks.ts";
import type { ProcessSettings } from "../config/model.ts";
import { environmentOf, processSettings, type SettingNote, supervisorDirectives } from "./directives.ts";

const rows = supervisorDirectives;
const errorLogs = [{ path: "-", level: "error" }] as const;

interface Read {
  readonly settings: ProcessSettings;
  readonly notes: readonly SettingNote[];
}

function settingsOf(text: string, facts: { readonly cpuCount?: number; readonly fileCountMax?: number } = {}): Read {
  const notes: SettingNote[] = [];
  const settings = processSettings(readText(text, rows).block, {
    prefix: "/etc/nginx/",
    cpuCount: 3,
    fileCountMax: 1_048_576,
    errorLogs,
    useColors: undefined,
    note: (note) => notes.push(note),
    ...facts,
  });
  return { settings, notes };
}

describe("the directives about processes", () => {
  test("have examples and defaults that are accepted wherever they may stand", () => {
    assert.deepEqual(exampleMistakes(rows), []);
    assert.deepEqual(contextMistakes(rows), []);
  });

  test("have nginx's defaults, but for the time that running requests get", () => {
    assert.deepEqual(settingsOf("").settings, {
      workerProcesses: 1,
      workerConnections: 512,
      limitConcurrency: 0,
      gracefulTimeoutMs: 30_000,
      pid: undefined,
      user: undefined,
      group: undefined,
      umask: undefined,
      daemon: true,
      errorLogs,
      useColors: undefined,
    });
  });

  test("can be written in full", () => {
    const text = `user www-data adm; worker_processes auto; worker_shutdown_timeout 500ms; pid /run/t.pid; daemon off;
      umask 027; limit_concurrency 10; events { worker_connections 1024; use epoll; }`;
    assert.deepEqual(settingsOf(text).settings, {
      workerProcesses: 3,
      workerConnections: 1024,
      limitConcurrency: 10,
      gracefulTimeoutMs: 500,
      pid: "/run/t.pid",
      user: "www-data",
      group: "adm",
      umask: 0o027,
      daemon: false,
      errorLogs,
      useColors: undefined,
    });
    assert.equal(settingsOf("group adm;").settings.group, "adm");
    assert.equal(settingsOf("pid logs/nginx.pid;").settings.pid, "/etc/nginx/logs/nginx.pid");
  });

  test("are refused in nginx's words", () => {
    const cases: readonly (readonly [text: string, words: string])[] = [
      ["worker_processes foo;", '"worker_processes" directive invalid value'],
      ["worker_processes 0;", '"worker_processes" directive invalid value'],
      ["events { worker_connections foo; }", 'invalid number "foo"'],
      ["events { worker_connections 0; }", 'invalid number "0"'],
      ["events { use foo; }", 'invalid event type "foo"'],
      ["daemon foo;", 'invalid value "foo" in "daemon" directive, it must be "on" or "off"'],
      ["user a b c;", 'invalid number of arguments in "user" directive'],
      ["env;", 'invalid number of arguments in "env" directive'],
      ["worker_priority x;", '"worker_priority" directive invalid number'],
      ["worker_cpu_affinity 012;", 'invalid character "2" in "worker_cpu_affinity"'],
      ["debug_points x;", 'invalid value "x"'],
      ["worker_processes 1; worker_processes 2;", '"worker_processes" directive is duplicate'],
      ["umask 8;", 'invalid value "8"'],
    ];
    for (const [text, words] of cases) assert.deepEqual(refusals(text, rows), [words], text);
  });

  test("no more threads are started than the wire has numbers for", () => {
    const at = settingsOf("worker_processes 64;");
    assert.deepEqual([at.settings.workerProcesses, at.notes.length], [64, 0]);
    const beyond = settingsOf("worker_processes 65;");
    assert.deepEqual([beyond.settings.workerProcesses, beyond.notes.length], [64, 1]);
    const many = settingsOf("worker_processes auto;", { cpuCount: 200 });
    assert.deepEqual([many.settings.workerProcesses, many.notes.length], [64, 0]);
  });

  test("threads share the descriptors that a process may have", () => {
    const text = (count: number): string => `worker_processes 2; events { worker_connections ${count}; }`;
    const at = settingsOf(text(384), { fileCountMax: 1024 });
    assert.deepEqual([at.settings.workerConnections, at.notes], [384, []]);
    const beyond = settingsOf(text(385), { fileCountMax: 1024 });
    assert.equal(beyond.settings.workerConnections, 384);
    const [note] = beyond.notes;
    assert.equal(note?.message, "384 connections for each thread instead of 385: a process may open 1024 files");
    assert.equal(note.at?.directive.name.value, "worker_connections");
    assert.equal(settingsOf(text(385), { fileCountMax: 100 }).settings.workerConnections, 16);
  });

  test("the environment of applications: the last value of a name, nothing for a name alone", () => {
    const main = readText("env A=1; env TZ; env B=x=y; env A=2; env C=;", rows).block;
    assert.deepEqual(environmentOf(main), [["A", "2"], ["B", "x=y"], ["C", ""]]);
  });

  test("each that does nothing says why", () => {
    const without = supervisorDirectives.filter(({ withoutEffect }) => withoutEffect !== undefined);
    assert.ok(without.length > 15);
    assert.ok(without.every(({ withoutEffect = "" }) => /^[a-zN].*[^.]$/.test(withoutEffect)));
  });
});
