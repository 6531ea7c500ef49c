//! A volume of a payload's task; the keys of a volume object itself are case-sensitive (spec 3.8).

use std::collections::BTreeMap;

wire! {
    /// The `Volume` shape.
    #[serde(rename = "AcsVolume")]
    pub struct Volume {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `host` of the public model.
        host: Option<HostVolumeProperties>,
        /// The `dockerVolumeConfiguration` of the public model.
        docker_volume_configuration: Option<DockerVolumeConfiguration>,
        /// The `efsVolumeConfiguration` of the public model.
        efs_volume_configuration: Option<EFSVolumeConfiguration>,
        /// The `fsxWindowsFileServerVolumeConfiguration` of the public model.
        fsx_windows_file_server_volume_configuration: Option<FSxWindowsFileServerVolumeConfiguration>,
        /// The `ebsVolumeConfiguration` of the public model.
        ebs_volume_configuration: Option<EBSVolumeConfiguration>,
        /// The `logDriverVolumeConfiguration` of the public model.
        log_driver_volume_configuration: Option<LogDriverVolumeConfiguration>,
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

    /// The `EBSVolumeConfiguration` shape.
    pub struct EBSVolumeConfiguration {
        /// The `volumeId` of the public model.
        volume_id: Option<String>,
        /// The `deleteOnTermination` of the public model.
        delete_on_termination: Option<bool>,
        /// The `deviceName` of the public model.
        device_name: Option<String>,
        /// The `filesystemType` of the public model.
        filesystem_type: Option<String>,
    }

    /// The `LogDriverVolumeConfiguration` shape.
    pub struct LogDriverVolumeConfiguration {
        /// The `driver` of the public model.
        driver: Option<String>,
    }
}
