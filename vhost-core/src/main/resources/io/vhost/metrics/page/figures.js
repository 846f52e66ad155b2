/* What a scrape says, and what two of them say together. Knows nothing of the page. */
"use strict";

var Figures = (function () {
  // Names are of any characters, those that end lines elsewhere among them: "s" lets a dot be each of them.
  var SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s;
  var LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/gs;

  function unescaped(text) {
    return text.replace(/\\(.)/gs, function (all, c) { return c === "n" ? "\n" : c; });
  }

  /* The samples of a scrape: name, labels, value. */
  function parse(text) {
    var samples = [];
    text.split("\n").forEach(function (line) {
      var found = line.charAt(0) === "#" ? null : SAMPLE.exec(line);
      if (found) {
        var labels = {};
        (found[2] || "").replace(LABEL, function (all, name, value) { labels[name] = unescaped(value); });
        samples.push({ name: found[1], labels: labels, value: Number(found[3]) });
      }
    });
    return samples;
  }

  function key(sample) {
    var l = sample.labels;
    return JSON.stringify([sample.name, l.port, l.queue, l.direction, l.reason, l.program, l.verdict]);
  }

  /*
   * What was scraped, as one array of numbers each time: of counters what they grew by in a second, else the
   * value. Hundreds of queues for half an hour are some 30 MB.
   *
   * kept: how many scrapes
   */
  function store(kept) {
    var series = [];
    var places = new Map();
    var before = [];
    var totals = [];
    var times = [];
    var points = [];

    function place(sample) {
      var k = key(sample);
      var at = places.get(k);
      if (at === undefined) {
        at = series.length;
        places.set(k, at);
        series.push({ name: sample.name, labels: sample.labels });
      }
      return at;
    }

    /* A counter that fell has begun anew: it grew by what it is. */
    function growth(value, old) {
      return old === undefined ? 0 : value >= old ? value - old : value;
    }

    function add(text, time) {
      var seconds = times.length ? time - times[times.length - 1] : 0;
      var samples = parse(text);
      var at = samples.map(place);
      var point = new Float32Array(series.length);
      totals = [];
      samples.forEach(function (sample, i) {
        var counts = sample.name.endsWith("_total");
        if (!counts) {
          point[at[i]] = sample.value;
        } else if (seconds > 0) {
          point[at[i]] = growth(sample.value, before[at[i]]) / seconds;
        }
        totals[at[i]] = sample.value;
      });
      before = totals;
      times.push(time);
      points.push(point);
      if (times.length > kept) {
        times.shift();
        points.shift();
      }
    }

    /* The series of a name with these labels that were in the last scrape; "" stands for any value. */
    function find(name, labels) {
      var found = [];
      series.forEach(function (s, i) {
        if (s.name === name && totals[i] !== undefined && Object.keys(labels).every(function (label) {
          return labels[label] === "" || s.labels[label] === labels[label];
        })) {
          found.push(i);
        }
      });
      return found;
    }

    return {
      add: add, find: find, series: series, times: times, points: points,
      isThere: function (i) { return totals[i] !== undefined; },
      total: function (found) { return sum(totals, found); }
    };
  }

  function sum(point, found) {
    return found.reduce(function (all, i) { return all + (point[i] || 0); }, 0);
  }

  function most(point, found) {
    return found.reduce(function (top, i) { return Math.max(top, point[i] || 0); }, 0);
  }

  var UNITS = ["", " k", " M", " G", " T"];

  /* Three digits and a unit. */
  function short(value) {
    var unit = 0;
    while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    var digits = Math.abs(value) >= 99.95 || value === 0 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
    return (unit === 0 && Number.isInteger(value) ? String(value) : value.toFixed(digits)) + UNITS[unit];
  }

  return { parse: parse, store: store, sum: sum, most: most, short: short };
})();
