"""Container Registry EE 2018-12-01 of one region: instances, endpoints and custom domains."""

import hashlib
from collections.abc import Callable
from typing import Any

from simulator.alibaba.cr_images import Images, running
from simulator.alibaba.cr_paging import page
from simulator.alibaba.cr_sync import Replication
from simulator.alibaba.cr_sync_writes import SyncWrites
from simulator.alibaba.distortion import Distortion
from simulator.alibaba.errors import BusinessFailure, Refusal
from simulator.alibaba.parameters import Parameters
from simulator.faults import Faults
from simulator.logins import USER
from simulator.model import Instance, Link
from simulator.world import World

VERSION = "2018-12-01"
DELETED = "DELETED"
"""The status of an instance that is gone, of which nobody hears any more."""
QUOTAS = {
    "Enterprise_Basic": ("15", "1000", "3"),
    "Enterprise_Standard": ("25", "3000", "7"),
    "Enterprise_Advanced": ("50", "5000", "15"),
}
Wire = dict[str, Any]
Call = Callable[[Parameters], Wire]


class ContainerRegistry:
    """Answer the calls of Container Registry at one region's host, where only that region's instances exist."""

    version = VERSION

    def __init__(self, world: World, faults: Faults, region: str) -> None:
        self._world, self._faults, self.region = world, faults, region
        distortion = Distortion(faults)
        images, replication = Images(self.instance, distortion), Replication(world, self.instance, distortion)
        self.calls: dict[str, Call] = {
            "ListInstance": self.list_instances,
            "GetInstance": self.get_instance,
            "GetInstanceUsage": self.usage,
            "ListInstanceEndpoint": self.list_endpoints,
            "GetInstanceEndpoint": self.get_endpoint,
            "GetInstanceVpcEndpoint": self.get_vpc_endpoint,
            "GetInstanceCustomizedDomain": self.get_custom_domain,
            "GetAuthorizationToken": self.hand_out_password,
            **images.calls,
            **replication.calls,
            **SyncWrites(world, self.instance).calls,
        }

    def instance(self, given: Parameters) -> Instance:
        """Find the instance that InstanceId names; of other regions or accounts, or gone, it does not exist here."""
        instance = self._world.instances.get(given.required("InstanceId"))
        if instance is None or not self._has(instance, given):
            raise BusinessFailure("INSTANCE_NOT_EXIST")
        return instance

    def list_instances(self, given: Parameters) -> Wire:
        """ListInstance: times are texts here."""
        found = [each for each in self._world.instances.values() if self._has(each, given)]
        if name := given.optional("InstanceName"):
            found = [each for each in found if each.name == name]
        if status := given.optional("InstanceStatus"):
            found = [each for each in found if each.status == status]
        shown, paging = page(given, found, default=30)
        wires = [self._to_wire(each) | {"RegionId": each.region} | self._times(str) for each in shown]
        return {"Instances": wires, "TotalCount": len(found)} | paging

    def get_instance(self, given: Parameters) -> Wire:
        """GetInstance: times are numbers here, and the region is not told."""
        return self._to_wire(self.instance(given)) | self._times(int)

    def usage(self, given: Parameters) -> Wire:
        """GetInstanceUsage: everything is text but PerformanceUnits."""
        instance = self.instance(given)
        namespaces, repositories, vpcs = QUOTAS.get(instance.specification, QUOTAS["Enterprise_Basic"])
        return {
            "NamespaceQuota": namespaces,
            "NamespaceUsage": str(len(instance.namespaces)),
            "RepoQuota": str(max(int(repositories), len(instance.repositories))),
            "RepoUsage": str(len(instance.repositories)),
            "VpcQuota": vpcs,
            "VpcUsage": str(len(instance.links)),
            "ChartNamespaceQuota": "0",
            "ChartNamespaceUsage": "0",
            "ChartRepoQuota": "0",
            "ChartRepoUsage": "0",
            "PerformanceUnits": 0,
        }

    def list_endpoints(self, given: Parameters) -> Wire:
        """ListInstanceEndpoint: what does not apply is told as the text `null`."""
        instance = self.instance(given)
        public = self._public_to_wire(instance) | {"EndpointType": "internet", "LinkedVpcs": [{"VpcId": "null"}]}
        public["AclEntries"] = [{"Entry": each["Entry"]} for each in public["AclEntries"]]
        private = {
            "EndpointType": "vpc",
            "Enable": bool(instance.links),
            "AclEnable": False,
            "AclEntries": [{"Entry": "null"}],
            "Domains": [{"Domain": name, "Type": kind} for name, kind in _domains(instance, instance.vpc_domain)],
            "LinkedVpcs": [{"VpcId": link.vpc} for link in instance.links],
        }
        status = {"Status": "RUNNING"} if instance.links else {}
        return {"Endpoints": [public, private | status]}

    def get_endpoint(self, given: Parameters) -> Wire:
        """GetInstanceEndpoint, of the public endpoint."""
        kind = given.required("EndpointType")
        if kind.lower() != "internet":
            raise Refusal(400, "INVALID_ENDPOINT_TYPE", f"The endpoint type {kind} is not valid.")
        return self._public_to_wire(self.instance(given))

    def get_vpc_endpoint(self, given: Parameters) -> Wire:
        """GetInstanceVpcEndpoint: domains are plain texts here."""
        instance = self.instance(given)
        return {
            "Enable": bool(instance.links),
            "ModuleName": given.text("ModuleName", "Registry"),
            "Domains": [name for name, _ in _domains(instance, instance.vpc_domain)],
            "LinkedVpcs": [_link_to_wire(link) for link in instance.links],
        }

    def get_custom_domain(self, given: Parameters) -> Wire:
        """GetInstanceCustomizedDomain: it names the certificate, but not when that expires."""
        given.require("InstanceId", "ModuleName", "Domain")
        instance, domain = self.instance(given), given.text("Domain")
        if domain not in instance.custom_domains:
            raise BusinessFailure("CUSTOMIZED_DOMAIN_NOT_EXIST")
        wire = {
            "InstanceId": instance.id,
            "Domain": domain,
            "DomainType": "USER",
            "EndpointType": "internet",
            "ModuleName": given.text("ModuleName"),
            "CertId": f"{int(hashlib.sha256(domain.encode()).hexdigest()[:6], 16)}-{instance.region}",
            "RegionId": instance.region,
        }
        return wire | self._times(int)

    def hand_out_password(self, given: Parameters) -> Wire:
        """GetAuthorizationToken: a name, a password for this instance, and when it ends."""
        hours = given.integer("ExpiresInHours", 1, 1, 24)
        password, expires_ms = self._world.logins.issue(running(self.instance, given).id, hours)
        return {"TempUsername": USER, "AuthorizationToken": password, "ExpireTime": expires_ms}

    def _has(self, instance: Instance, given: Parameters) -> bool:
        is_here = instance.region == self.region and instance.account == given.account
        return is_here and instance.status != DELETED

    def _public_to_wire(self, instance: Instance) -> Wire:
        """Tell the public endpoint; while it is off the vendor may leave out custom domains, so none is told."""
        endpoint = instance.endpoint
        domains = _domains(instance, instance.public_domain)
        acl = [] if self._faults.active("acl_closed", instance.site) else endpoint.acl
        status = {"Status": endpoint.status} if endpoint.enabled else {}
        wire = {
            "Enable": endpoint.enabled,
            "AclEnable": acl is not None,
            "AclEntries": [{"Entry": entry, "Comment": ""} for entry in acl or []],
            "Domains": [
                {"Domain": name, "Type": kind} for name, kind in domains if endpoint.enabled or kind == "SYSTEM"
            ],
        }
        return wire | status

    def _to_wire(self, instance: Instance) -> Wire:
        return {
            "InstanceId": instance.id,
            "InstanceName": instance.name,
            "InstanceStatus": instance.status,
            "InstanceSpecification": instance.specification,
            "InstanceIssue": instance.issue or "",
            "ResourceGroupId": "rg-default",
            "Tags": [],
        }

    def _times(self, kind: type[int] | type[str]) -> Wire:
        return {"CreateTime": kind(self._world.created_ms), "ModifiedTime": kind(self._world.created_ms)}


def _domains(instance: Instance, system: str) -> list[tuple[str, str]]:
    return [(system, "SYSTEM"), *((name, "USER") for name in instance.custom_domains)]


def _link_to_wire(link: Link) -> Wire:
    wire = {
        "VpcId": link.vpc,
        "VswitchId": link.vswitch,
        "Ip": link.address,
        "DefaultAccess": link.default,
        "Status": link.status,
    }
    return wire | ({"Issue": link.issue} if link.issue else {})
