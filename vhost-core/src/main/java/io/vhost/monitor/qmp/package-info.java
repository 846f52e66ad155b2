/**
 * QMP, the language for programs: JSON commands with ids, out-of-band execution, negotiation, and the schema
 * that describes commands and events. For the server only.
 */
package io.vhost.monitor.qmp;
