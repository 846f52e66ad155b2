/**
 * The command {@code bpf}: an {@code Inspection} is an object with what was found out about its programs,
 * shown as text or as JSON.
 */
package io.vhost.app.bpf;
