/**
 * Where languages and sessions meet: a language is a {@link io.vhost.monitor.dialogue.Dialogue} and calls
 * commands of a {@link io.vhost.monitor.dialogue.CommandTable}; its session is a
 * {@link io.vhost.monitor.dialogue.DialogueHost}, which runs them and gives an
 * {@link io.vhost.monitor.dialogue.Outcome} back. So a language needs no socket, and a session no language.
 * For {@code qmp}, {@code hmp} and the server.
 */
package io.vhost.monitor.dialogue;
