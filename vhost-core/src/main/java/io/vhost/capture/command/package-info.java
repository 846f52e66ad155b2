/** What a monitor can be asked about captures, and told to do with them. */
package io.vhost.capture.command;
