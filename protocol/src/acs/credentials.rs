//! Role credentials as payloads and credentials messages carry them (spec 3.5).

use crate::Secret;

wire! {
    /// Credentials of a role, for one task.
    pub struct IAMRoleCredentials {
        /// Id under which containers ask for the credentials.
        credentials_id: Option<String>,
        /// ARN of the role.
        role_arn: Option<String>,
        /// Public half of the keys.
        access_key_id: Option<String>,
        /// Secret half of the keys.
        secret_access_key: Option<Secret>,
        /// Session token.
        session_token: Option<Secret>,
        /// When the credentials expire; an opaque text that is passed on unchanged.
        expiration: Option<String>,
        /// Scope of the credentials.
        credential_scope: Option<String>,
    }
}
