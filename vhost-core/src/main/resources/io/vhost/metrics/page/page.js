/* Asks for figures each second while somebody looks, and draws them. */
"use strict";

(function () {
  var PERIOD = 1000;
  var PATIENCE = 5000;
  var KEPT = 1800;
  var ROWS = 100;
  var NAMES = ["vhost_port_packets_total", "vhost_port_bytes_total", "vhost_port_dropped_packets_total",
    "vhost_port_connected", "vhost_queue_packets_total", "vhost_queue_bytes_total",
    "vhost_queue_dropped_packets_total", "vhost_queue_in_flight_packets", "vhost_queue_lock_holds_total",
    "vhost_queue_lock_waits_total", "vhost_queue_lock_longest_hold_seconds", "vhost_program_packets_total"];
  var REASONS = ["oversize", "no_room", "bad_offload", "copy_failed"];
  var VERDICTS = ["pass", "drop", "tx", "redirect", "aborted"];

  function at(id) { return document.getElementById(id); }

  function chosen() { return { port: at("port").value, queue: at("queue").value }; }

  function within(more) {
    var labels = chosen();
    for (var label in more) {
      labels[label] = more[label];
    }
    return labels;
  }

  /* A figure is made for what is chosen, and then asked for each point in time. */
  function sum(name, labels) {
    var found = store.find(name, labels);
    return function (point) { return Figures.sum(point, found); };
  }

  function most(name, labels, factor) {
    var found = store.find(name, labels);
    return function (point) { return factor * Figures.most(point, found); };
  }

  /* Ports count what passes them, queues what passes each: a choice of a queue leaves only the latter. */
  function traffic(what, direction) {
    return at("queue").value === ""
        ? sum("vhost_port_" + what + "_total", { port: at("port").value, direction: direction })
        : sum("vhost_queue_" + what + "_total", within({ direction: direction }));
  }

  function bits(direction) {
    var bytes = traffic("bytes", direction);
    return function (point) { return 8 * bytes(point); };
  }

  /* The lock is taken once a burst. */
  function burst(labels) {
    var packets = sum("vhost_queue_packets_total", labels);
    var holds = sum("vhost_queue_lock_holds_total", labels);
    return function (point) { return holds(point) > 0 ? packets(point) / holds(point) : 0; };
  }

  function each(values, figure) {
    return values.map(function (value) {
      return [value.replace("_", " "), function () { return figure(value); }];
    });
  }

  var WAYS = ["rx", "tx"];
  var CHARTS = [
    ["Packets a second", each(WAYS, function (way) { return traffic("packets", way); })],
    ["Bits a second", each(WAYS, bits)],
    ["Dropped packets a second, by reason", [["at the port", function () {
      return at("queue").value === "" ? sum("vhost_port_dropped_packets_total", { port: at("port").value })
          : function () { return 0; };
    }]].concat(each(REASONS, function (reason) {
      return sum("vhost_queue_dropped_packets_total", within({ reason: reason }));
    }))],
    ["Packets a burst, empty ones too", each(WAYS, function (way) { return burst(within({ direction: way })); })],
    ["Packets in flight in DMA channels", each(WAYS, function (way) {
      return sum("vhost_queue_in_flight_packets", within({ direction: way }));
    })],
    ["Locks a second", [
      ["holds", function () { return sum("vhost_queue_lock_holds_total", chosen()); }],
      ["waits", function () { return sum("vhost_queue_lock_waits_total", chosen()); }]]],
    ["Longest lock hold, ms (where measured)", each(WAYS, function (way) {
      return most("vhost_queue_lock_longest_hold_seconds", within({ direction: way }), 1e3);
    })],
    ["Packets a second, by what programs said", each(VERDICTS, function (verdict) {
      return sum("vhost_program_packets_total", { port: at("port").value, verdict: verdict });
    })]
  ];

  var store = Figures.store(KEPT);
  var plots = [];

  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function data(chart) {
    var from = store.times[store.times.length - 1] - Number(at("span").value);
    var first = store.times.findIndex(function (time) { return time >= from; });
    return [store.times.slice(first)].concat(chart[1].map(function (series) {
      return store.points.slice(first).map(series[1]());
    }));
  }

  function width() { return Math.max(200, at("charts").firstChild.clientWidth - 18); }

  function draw() {
    if (typeof uPlot === "undefined") {
      return;
    }
    at("charts").textContent = "";
    plots = CHARTS.map(function (chart) {
      var figure = document.createElement("figure");
      var caption = document.createElement("figcaption");
      caption.textContent = chart[0];
      figure.appendChild(caption);
      at("charts").appendChild(figure);
      var axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 },
        ticks: { show: false } };
      return new uPlot({
        width: width(), height: 170, cursor: { sync: { key: "all" } },
        scales: { y: { range: function (u, low, high) { return [0, high > 0 ? high * 1.1 : 1]; } } },
        axes: [Object.assign({}, axis), Object.assign({ size: 60, values: function (u, ticks) {
          return ticks.map(Figures.short);
        } }, axis)],
        series: [{ label: "time", value: "{HH}:{mm}:{ss}" }].concat(chart[1].map(function (series, i) {
          return { label: series[0], stroke: colour("--series-" + (i + 1)), width: 2,
            // What comes in often goes out: one line must not hide the other.
            dash: i % 2 ? [6, 4] : [], points: { show: false },
            value: function (u, v) { return v == null ? "-" : Figures.short(v); } };
        }))
      }, data(chart), figure);
    });
  }

  function refresh() {
    if (store.times.length) {
      tables();
      plots.forEach(function (plot, i) { plot.setData(data(CHARTS[i])); });
    }
  }

  /* Rows are kept and their cells changed, so that a selection of text stays. */
  function fill(id, rows) {
    var body = at(id).tBodies[0];
    while (body.rows.length > rows.length) {
      body.deleteRow(-1);
    }
    rows.forEach(function (row, i) {
      var line = body.rows[i] || body.insertRow();
      line.className = row.kind || "";
      row.cells.forEach(function (text, j) {
        var cell = line.cells[j] || line.insertCell();
        if (cell.textContent !== text) {
          cell.textContent = text;
        }
      });
    });
  }

  /* Places of the series of some names, by a label or several: nobody waits for sums over all queues. */
  function grouped(names, labels) {
    var groups = new Map();
    store.series.forEach(function (s, i) {
      if (names.indexOf(s.name) >= 0 && store.isThere(i)) {
        var k = JSON.stringify(labels.map(function (label) { return s.labels[label]; }));
        if (!groups.has(k)) {
          groups.set(k, { labels: s.labels, of: {} });
        }
        var group = groups.get(k).of;
        (group[s.name] = group[s.name] || []).push(i);
      }
    });
    return Array.from(groups.values());
  }

  function tables() {
    var point = store.points[store.points.length - 1];
    function rate(group, name, direction) {
      return Figures.sum(point, (group.of[name] || []).filter(function (i) {
        return !direction || store.series[i].labels.direction === direction;
      }));
    }
    var ports = grouped(NAMES.filter(function (name) { return name.startsWith("vhost_port_"); }), ["port"]);
    fill("ports", ports.map(function (p) {
      var connected = rate(p, "vhost_port_connected");
      var dropped = rate(p, "vhost_port_dropped_packets_total");
      return { kind: connected > 0 ? dropped > 0 ? "bad" : "" : "down", cells: [p.labels.port,
        Figures.short(connected),
        Figures.short(rate(p, "vhost_port_packets_total", "rx")),
        Figures.short(rate(p, "vhost_port_packets_total", "tx")),
        Figures.short(8 * rate(p, "vhost_port_bytes_total", "rx")),
        Figures.short(8 * rate(p, "vhost_port_bytes_total", "tx")), Figures.short(dropped),
        Figures.short(store.total(p.of.vhost_port_dropped_packets_total || []))] };
    }));
    fill("programs", grouped(["vhost_program_packets_total"], ["port", "direction", "program"])
        .map(function (p) {
          var l = p.labels;
          var said = p.of.vhost_program_packets_total;
          return { cells: [l.port + (l.direction === "tx" ? "/out" : ""), l.program]
              .concat(VERDICTS.map(function (verdict) {
                return Figures.short(Figures.sum(point, said.filter(function (i) {
                  return store.series[i].labels.verdict === verdict;
                })));
              })) };
        }));
    options("port", ports.map(function (p) { return p.labels.port; }));
    queues(rate);
  }

  function queues(rate) {
    var point = store.points[store.points.length - 1];
    var wanted = at("filter").value;
    var all = grouped(NAMES.filter(function (name) { return name.startsWith("vhost_queue_"); }),
        ["port", "queue"]);
    var mine = all.filter(function (q) { return q.labels.port.indexOf(wanted) >= 0; });
    mine.forEach(function (q) { q.rate = rate(q, "vhost_queue_packets_total"); });
    if (mine.length > ROWS) {
      // Those with traffic first; where all fit, each keeps its place.
      mine.sort(function (a, b) { return b.rate - a.rate; });
    }
    at("shown").textContent = mine.length > ROWS ? "the busiest " + ROWS + " of " + mine.length
        : mine.length + " queues";
    fill("queues", mine.slice(0, ROWS).map(function (q) {
      var holds = rate(q, "vhost_queue_lock_holds_total");
      var longest = Figures.most(point, q.of.vhost_queue_lock_longest_hold_seconds || []);
      return { cells: [q.labels.port, q.labels.queue + " " + q.labels.direction, Figures.short(q.rate),
        Figures.short(8 * rate(q, "vhost_queue_bytes_total")), Figures.short(holds > 0 ? q.rate / holds : 0),
        Figures.short(rate(q, "vhost_queue_dropped_packets_total")),
        Figures.short(rate(q, "vhost_queue_in_flight_packets")),
        Figures.short(rate(q, "vhost_queue_lock_waits_total")), longest > 0 ? Figures.short(1e6 * longest) + " µs" : "-"] };
    }));
    options("queue", Array.from(new Set(all.filter(function (q) {
      return at("port").value === "" || q.labels.port === at("port").value;
    }).map(function (q) { return q.labels.queue; }))));
  }

  function options(id, names) {
    var select = at(id);
    var before = Array.from(select.options).slice(1).map(function (o) { return o.value; });
    if (JSON.stringify(before) === JSON.stringify(names)) {
      return;
    }
    var value = select.value;
    while (select.options.length > 1) {
      select.remove(1);
    }
    names.forEach(function (name) { select.add(new Option(name, name)); });
    // What is gone is not shown as if it were all.
    select.value = names.indexOf(value) >= 0 ? value : "";
  }

  function seen(text) {
    store.add(text, Date.now() / 1000);
    tables();
    if (plots.length === 0) {
      draw();
    } else {
      plots.forEach(function (plot, i) { plot.setData(data(CHARTS[i])); });
    }
    at("state").textContent = "running, " + new Date().toLocaleTimeString();
    at("state").className = "";
  }

  function failed(e) {
    at("state").textContent = "no answer: " + e.message;
    at("state").className = "lost";
  }

  function ask() {
    var begin = Date.now();
    var again = function () { setTimeout(ask, Math.max(100, PERIOD - (Date.now() - begin))); };
    if (document.hidden) {
      again();
      return;
    }
    var query = NAMES.map(function (name) { return "name[]=" + encodeURIComponent(name); }).join("&");
    fetch("metrics?" + query,
        { cache: "no-store", headers: { Accept: "text/plain" }, signal: AbortSignal.timeout(PATIENCE) })
        .then(function (answer) {
          if (!answer.ok) {
            throw new Error("status " + answer.status);
          }
          return answer.text();
        }).then(seen).catch(failed).then(again);
  }

  ["port", "queue", "span", "filter"].forEach(function (id) {
    at(id).addEventListener("input", refresh);
  });
  window.addEventListener("resize", function () {
    plots.forEach(function (plot) { plot.setSize({ width: width(), height: 170 }); });
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    if (store.times.length) {
      draw();
    }
  });
  at("missing").hidden = typeof uPlot !== "undefined";
  ask();
})();
