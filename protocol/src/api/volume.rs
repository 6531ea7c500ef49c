//! Volumes of a task definition.

use std::collections::BTreeMap;

wire! {
    /// A volume of a task definition; exactly one configuration is present.
    pub struct Volume {
        /// Name, unique among its siblings.
        name: Option<String>,
        /// The directory on the host.
        host: Option<HostVolumeProperties>,
        /// The Docker volume.
        docker_volume_configuration: Option<DockerVolumeConfiguration>,
        /// The EFS file system.
        efs_volume_configuration: Option<EFSVolumeConfiguration>,
        /// The S3 Files file system.
        s3files_volume_configuration: Option<S3FilesVolumeConfiguration>,
        /// The FSx file system; refused on Linux.
        fsx_windows_file_server_volume_configuration: Option<FSxWindowsFileServerVolumeConfiguration>,
        /// Whether the volume is configured when the task is launched.
        configured_at_launch: Option<bool>,
    }

    /// A directory on the host.
    pub struct HostVolumeProperties {
        /// Path on the host; absent or empty is a directory private to the task.
        source_path: Option<String>,
    }

    /// A volume that the runtime manages.
    pub struct DockerVolumeConfiguration {
        /// Whose lifetime the volume has: `task`, `shared`.
        scope: Option<String>,
        /// Whether a shared volume is made when it is missing.
        autoprovision: Option<bool>,
        /// Driver of the volume.
        driver: Option<String>,
        /// Options for the driver.
        driver_opts: BTreeMap<String, String>,
        /// Labels of the volume.
        labels: BTreeMap<String, String>,
    }

    /// An EFS file system.
    pub struct EFSVolumeConfiguration {
        /// Id of the file system.
        file_system_id: Option<String>,
        /// Directory that is mounted as the root.
        root_directory: Option<String>,
        /// Whether traffic is encrypted: `ENABLED`, `DISABLED`.
        transit_encryption: Option<String>,
        /// Port of the encrypted connection; absent lets the mount helper choose.
        transit_encryption_port: Option<i64>,
        /// How the file system is authorised.
        authorization_config: Option<EFSAuthorizationConfig>,
    }

    /// How an EFS file system is authorised.
    pub struct EFSAuthorizationConfig {
        /// Id of the access point.
        access_point_id: Option<String>,
        /// Whether the task role authorises the mount: `ENABLED`, `DISABLED`.
        iam: Option<String>,
    }

    /// An S3 Files file system.
    pub struct S3FilesVolumeConfiguration {
        /// ARN of the file system.
        file_system_arn: Option<String>,
        /// Directory that is mounted as the root.
        root_directory: Option<String>,
        /// Port of the encrypted connection; absent lets the mount helper choose.
        transit_encryption_port: Option<i64>,
        /// ARN of the access point.
        access_point_arn: Option<String>,
    }

    /// An FSx for Windows file system.
    pub struct FSxWindowsFileServerVolumeConfiguration {
        /// Id of the file system.
        file_system_id: Option<String>,
        /// Directory that is mounted as the root.
        root_directory: Option<String>,
        /// How the file system is authorised.
        authorization_config: Option<FSxWindowsFileServerAuthorizationConfig>,
    }

    /// How an FSx file system is authorised.
    pub struct FSxWindowsFileServerAuthorizationConfig {
        /// ARN of the Secrets Manager secret or SSM parameter with the credentials.
        credentials_parameter: Option<String>,
        /// Domain of the file system.
        domain: Option<String>,
    }
}
