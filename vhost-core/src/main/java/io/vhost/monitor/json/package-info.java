/**
 * JSON as QEMU's monitor reads and writes it: single quotes, errors with QEMU's texts, a reader that goes on
 * after any input, and lines of ASCII. Knows nothing of commands; for the packages of the monitor only.
 */
package io.vhost.monitor.json;
