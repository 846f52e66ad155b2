/** The command line program. */
package io.vhost.app;
