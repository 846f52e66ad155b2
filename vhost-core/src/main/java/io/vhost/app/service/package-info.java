/**
 * What makes a command a service: its configuration file, the sockets and messages of a service manager, logs
 * with time or as JSON, and its man page.
 */
package io.vhost.app.service;
