/* What figures.js makes of scrapes; runs behind it, in Node. */
var assert = require("assert");

var ODD = String.raw`a_total{port="x\\\"\ny",queue="0"} `;
var s = Figures.store(3);
s.add("# HELP a b\n" + ODD + "10.0\nb{port=\"p\"} 4.0\nc_total 1.0E9", 100);
assert.deepStrictEqual(s.series[0].labels, { port: "x\\\"\ny", queue: "0" });
assert.deepStrictEqual(Array.from(s.points[0]), [0, 4, 0]);

s.add(ODD + "16.0\nb{port=\"p\"} 3.0", 102);
assert.deepStrictEqual(Array.from(s.points[1]), [3, 3, 0]);
assert.deepStrictEqual(s.find("c_total", {}), []);
assert.strictEqual(s.isThere(2), false);
assert.deepStrictEqual(s.find("a_total", { queue: "0", port: "" }), [0]);
assert.deepStrictEqual(s.find("a_total", { queue: "1" }), []);

// Names are whatever bytes a file name or an object file has.
["\r", "\u2028", "\u2029", "\u0085", "{\\\\}", " ", "\\n\u2028"].forEach(function (odd) {
  var found = Figures.parse("a_total{port=\"x" + odd + "y\",queue=\"0\"} 10.0");
  assert.strictEqual(found.length, 1, JSON.stringify(odd));
  assert.strictEqual(found[0].labels.port, "x" + odd.replace("\\\\", "\\").replace("\\n", "\n") + "y");
  assert.strictEqual(found[0].labels.queue, "0");
});

// One has begun anew, one has come back, one is new.
s.add(ODD + "5.0\nc_total 7\nd_total 9", 103);
assert.deepStrictEqual(Array.from(s.points[2]), [5, 0, 0, 0]);

s.add("c_total 8", 105);
assert.deepStrictEqual(s.times, [102, 103, 105]);
assert.strictEqual(s.total(s.find("c_total", {})), 8);
assert.strictEqual(Figures.sum(s.points[2], [2]), 0.5);
assert.strictEqual(Figures.most([1, 5, 3], [0, 2]), 3);

assert.deepStrictEqual([0, 7, 0.5, 9.994, 99.94, 999, 999.5, 1e6, 1.5e9, 2e16].map(Figures.short),
    ["0", "7", "0.50", "9.99", "99.9", "999", "1.00 k", "1.00 M", "1.50 G", "20000 T"]);
