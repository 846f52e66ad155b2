/**
 * What commands have in common towards their user: options of several commands, the end on Ctrl-C, the
 * progress line and its stopwatch, logging and the version.
 */
package io.vhost.app.cli;
