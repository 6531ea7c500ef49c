//! Role credentials as payloads and credentials messages carry them (spec 3.5).

use crate::Secret;

wire! {
    /// The `IAMRoleCredentials` shape.
    pub struct IAMRoleCredentials {
        /// The `credentialsId` of the public model.
        credentials_id: Option<String>,
        /// The `roleArn` of the public model.
        role_arn: Option<String>,
        /// The `accessKeyId` of the public model.
        access_key_id: Option<String>,
        /// The `secretAccessKey` of the public model.
        secret_access_key: Option<Secret>,
        /// The `sessionToken` of the public model.
        session_token: Option<Secret>,
        /// The `expiration` of the public model.
        expiration: Option<String>,
        /// The `credentialScope` of the public model.
        credential_scope: Option<String>,
    }
}
