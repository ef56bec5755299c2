export { TalosSerializer, type TalosSerializerOptions } from './talos-serializer.ts';
