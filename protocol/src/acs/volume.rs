//! A volume of a payload's task; the keys of a volume object itself are case-sensitive (spec 3.8).

use std::collections::BTreeMap;

wire! {
    /// A volume of a task; without a `type` it is realised by the attachment whose `volumeName` it bears, or else on the host.
    #[serde(rename = "AcsVolume")]
    pub struct Volume {
        /// Name, unique among its siblings.
        name: Option<String>,
        /// What realises the volume: `host`, `docker`, `efs`, `fsxWindowsFileServer`; absent is `host` or an
        /// attachment.
        r#type: Option<String>,
        /// The directory on the host.
        host: Option<HostVolumeProperties>,
        /// The Docker volume.
        docker_volume_configuration: Option<DockerVolumeConfiguration>,
        /// The EFS file system.
        efs_volume_configuration: Option<EFSVolumeConfiguration>,
        /// The FSx file system; refused on Linux.
        fsx_windows_file_server_volume_configuration: Option<FSxWindowsFileServerVolumeConfiguration>,
        /// The EBS volume; agents refuse it here and take it as an attachment.
        ebs_volume_configuration: Option<EBSVolumeConfiguration>,
        /// The log driver's volume; agents refuse it.
        log_driver_volume_configuration: Option<LogDriverVolumeConfiguration>,
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

    /// An EBS volume.
    pub struct EBSVolumeConfiguration {
        /// Id of the EBS volume.
        volume_id: Option<String>,
        /// Whether the volume is deleted with the task.
        delete_on_termination: Option<bool>,
        /// Name of the device.
        device_name: Option<String>,
        /// File system of the volume, such as `ext4`.
        filesystem_type: Option<String>,
    }

    /// A log driver's volume.
    pub struct LogDriverVolumeConfiguration {
        /// Driver of the volume.
        driver: Option<String>,
    }
}
