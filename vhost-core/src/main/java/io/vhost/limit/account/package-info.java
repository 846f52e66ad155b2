/**
 * The accounts of what front-ends have taken of this process: {@link io.vhost.limit.account.ResourceAccount}
 * of all, {@link io.vhost.limit.account.ServerAccount} of one server or client. Not exported: applications
 * set limits ({@link io.vhost.limit}) and ask for what is taken.
 */
package io.vhost.limit.account;
