/** What a monitor can be asked about programs on queues, and told to do with them. */
package io.vhost.program.command;
