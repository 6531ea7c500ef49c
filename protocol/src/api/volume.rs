//! Volumes of a task definition.

use std::collections::BTreeMap;

wire! {
    /// The `Volume` shape.
    pub struct Volume {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `host` of the public model.
        host: Option<HostVolumeProperties>,
        /// The `dockerVolumeConfiguration` of the public model.
        docker_volume_configuration: Option<DockerVolumeConfiguration>,
        /// The `efsVolumeConfiguration` of the public model.
        efs_volume_configuration: Option<EFSVolumeConfiguration>,
        /// The `s3filesVolumeConfiguration` of the public model.
        s3files_volume_configuration: Option<S3FilesVolumeConfiguration>,
        /// The `fsxWindowsFileServerVolumeConfiguration` of the public model.
        fsx_windows_file_server_volume_configuration: Option<FSxWindowsFileServerVolumeConfiguration>,
        /// The `configuredAtLaunch` of the public model.
        configured_at_launch: Option<bool>,
    }

    /// The `HostVolumeProperties` shape.
    pub struct HostVolumeProperties {
        /// The `sourcePath` of the public model.
        source_path: Option<String>,
    }

    /// The `DockerVolumeConfiguration` shape.
    pub struct DockerVolumeConfiguration {
        /// The `scope` of the public model.
        scope: Option<String>,
        /// The `autoprovision` of the public model.
        autoprovision: Option<bool>,
        /// The `driver` of the public model.
        driver: Option<String>,
        /// The `driverOpts` of the public model.
        driver_opts: BTreeMap<String, String>,
        /// The `labels` of the public model.
        labels: BTreeMap<String, String>,
    }

    /// The `EFSVolumeConfiguration` shape.
    pub struct EFSVolumeConfiguration {
        /// The `fileSystemId` of the public model.
        file_system_id: Option<String>,
        /// The `rootDirectory` of the public model.
        root_directory: Option<String>,
        /// The `transitEncryption` of the public model.
        transit_encryption: Option<String>,
        /// The `transitEncryptionPort` of the public model.
        transit_encryption_port: Option<i64>,
        /// The `authorizationConfig` of the public model.
        authorization_config: Option<EFSAuthorizationConfig>,
    }

    /// The `EFSAuthorizationConfig` shape.
    pub struct EFSAuthorizationConfig {
        /// The `accessPointId` of the public model.
        access_point_id: Option<String>,
        /// The `iam` of the public model.
        iam: Option<String>,
    }

    /// The `S3FilesVolumeConfiguration` shape.
    pub struct S3FilesVolumeConfiguration {
        /// The `fileSystemArn` of the public model.
        file_system_arn: Option<String>,
        /// The `rootDirectory` of the public model.
        root_directory: Option<String>,
        /// The `transitEncryptionPort` of the public model.
        transit_encryption_port: Option<i64>,
        /// The `accessPointArn` of the public model.
        access_point_arn: Option<String>,
    }

    /// The `FSxWindowsFileServerVolumeConfiguration` shape.
    pub struct FSxWindowsFileServerVolumeConfiguration {
        /// The `fileSystemId` of the public model.
        file_system_id: Option<String>,
        /// The `rootDirectory` of the public model.
        root_directory: Option<String>,
        /// The `authorizationConfig` of the public model.
        authorization_config: Option<FSxWindowsFileServerAuthorizationConfig>,
    }

    /// The `FSxWindowsFileServerAuthorizationConfig` shape.
    pub struct FSxWindowsFileServerAuthorizationConfig {
        /// The `credentialsParameter` of the public model.
        credentials_parameter: Option<String>,
        /// The `domain` of the public model.
        domain: Option<String>,
    }
}
