// A Vulkan driver that compiles for an AMD GPU which the machine does not have. Mesa's RADV creates a device and pipelines
// on its null winsys; RADV_FORCE_FAMILY names the GPU. The null winsys cannot record or submit commands, so this shim
// reports success for both. Dawn then compiles every pipeline with the real compiler, and all results are zero.
//
//     gcc -O1 -shared -fPIC -o radv_null.so radv_null.c -ldl      RADV_LIB is the path of libvulkan_radeon.so
#define VK_NO_PROTOTYPES
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

typedef PFN_vkVoidFunction (*GetInstance)(VkInstance, const char *);
typedef VkResult (*Negotiate)(uint32_t *);

static void *radv(const char *name) {
  static void *library;
  if (!library) library = dlopen(getenv("RADV_LIB"), RTLD_NOW | RTLD_LOCAL);
  return library ? dlsym(library, name) : NULL;
}

static VkResult done(void) { return VK_SUCCESS; } // void functions ignore it

static VkResult no_results(VkDevice d, VkQueryPool p, uint32_t first, uint32_t count, size_t bytes, void *data) {
  memset(data, 0, bytes);
  return VK_SUCCESS;
}

/** Functions that would reach the hardware. */
static int reaches_hardware(const char *name) {
  static const char *const others[] = {"vkBeginCommandBuffer", "vkEndCommandBuffer", "vkResetCommandBuffer", "vkQueueSubmit", "vkQueueSubmit2",
      "vkQueueSubmit2KHR", "vkQueueWaitIdle", "vkDeviceWaitIdle", "vkWaitForFences", "vkGetFenceStatus", "vkWaitSemaphores", "vkWaitSemaphoresKHR"};
  if (strncmp(name, "vkCmd", 5) == 0) return 1;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) if (strcmp(name, others[i]) == 0) return 1;
  return 0;
}

static PFN_vkGetDeviceProcAddr own_device_proc;

static PFN_vkVoidFunction device_proc(VkDevice device, const char *name) {
  PFN_vkVoidFunction found = own_device_proc(device, name);
  if (found && reaches_hardware(name)) return (PFN_vkVoidFunction)done;
  if (found && strcmp(name, "vkGetQueryPoolResults") == 0) return (PFN_vkVoidFunction)no_results;
  return found && strcmp(name, "vkGetDeviceProcAddr") == 0 ? (PFN_vkVoidFunction)device_proc : found;
}

PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance instance, const char *name) {
  PFN_vkVoidFunction found = ((GetInstance)radv("vk_icdGetInstanceProcAddr"))(instance, name);
  if (!found || strcmp(name, "vkGetDeviceProcAddr") != 0) return found && reaches_hardware(name) ? (PFN_vkVoidFunction)done : found;
  own_device_proc = (PFN_vkGetDeviceProcAddr)found;
  return (PFN_vkVoidFunction)device_proc;
}

PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name) {
  GetInstance get = (GetInstance)radv("vk_icdGetPhysicalDeviceProcAddr");
  return get ? get(instance, name) : NULL;
}

VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  Negotiate negotiate = (Negotiate)radv("vk_icdNegotiateLoaderICDInterfaceVersion");
  return negotiate ? negotiate(version) : VK_SUCCESS;
}
