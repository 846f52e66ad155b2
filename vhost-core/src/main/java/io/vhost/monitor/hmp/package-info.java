/**
 * HMP, the language for people: lines in, text out. Each page is a command of the table whose result is laid
 * out as text, so nothing can be seen here that QMP does not show. For the server only.
 */
package io.vhost.monitor.hmp;
