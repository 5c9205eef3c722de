/* A client of a SavedModel that knows TensorFlow's C API and nothing else.

   usage: saved_model_client SAVED_MODEL < requests > answers

   A request is a line "INPUTS OUTPUTS"; for each input a line "OP INDEX DTYPE RANK SIZES..." and
   its bytes; for each output a line "OP INDEX". Its answer is a line "ok"; for each output a line
   "DTYPE RANK SIZES..." and its bytes. Or it is a line "refused LENGTH" and a message of that
   many bytes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

enum { MOST = 16 };

static void fail(const char *what) {
  fprintf(stderr, "error: %s\n", what);
  exit(1);
}

static TF_Output read_place(TF_Graph *graph) {
  char name[256];
  TF_Output place;
  if (scanf("%255s %d", name, &place.index) != 2) fail("an operation expected");
  place.oper = TF_GraphOperationByName(graph, name);
  if (place.oper == NULL) fail(name);
  return place;
}

static TF_Tensor *read_tensor(void) {
  int dtype, rank;
  int64_t sizes[MOST], count = 1;
  if (scanf("%d %d", &dtype, &rank) != 2 || rank > MOST) fail("a tensor expected");
  for (int i = 0; i < rank; i++) {
    long long size;
    if (scanf("%lld", &size) != 1) fail("a size expected");
    sizes[i] = size;
    count *= size;
  }
  getchar(); /* the end of the line */
  size_t bytes = count * TF_DataTypeSize((TF_DataType)dtype);
  TF_Tensor *tensor = TF_AllocateTensor((TF_DataType)dtype, sizes, rank, bytes);
  if (fread(TF_TensorData(tensor), 1, bytes, stdin) != bytes) fail("more bytes expected");
  return tensor;
}

static void write_tensor(TF_Tensor *tensor) {
  printf("%d %d", TF_TensorType(tensor), TF_NumDims(tensor));
  for (int i = 0; i < TF_NumDims(tensor); i++) printf(" %lld", (long long)TF_Dim(tensor, i));
  printf("\n");
  fwrite(TF_TensorData(tensor), 1, TF_TensorByteSize(tensor), stdout);
}

static void answer(TF_Session *session, TF_Graph *graph, int num_inputs, int num_outputs) {
  TF_Output inputs[MOST], outputs[MOST];
  TF_Tensor *given[MOST], *found[MOST];
  TF_Status *status = TF_NewStatus();
  if (num_inputs > MOST || num_outputs > MOST) fail("too many tensors");
  for (int i = 0; i < num_inputs; i++) {
    inputs[i] = read_place(graph);
    given[i] = read_tensor();
  }
  for (int i = 0; i < num_outputs; i++) outputs[i] = read_place(graph);
  TF_SessionRun(session, NULL, inputs, given, num_inputs, outputs, found, num_outputs, NULL, 0,
                NULL, status);
  if (TF_GetCode(status) == TF_OK) {
    printf("ok\n");
    for (int i = 0; i < num_outputs; i++) {
      write_tensor(found[i]);
      TF_DeleteTensor(found[i]);
    }
  } else {
    printf("refused %zu\n%s", strlen(TF_Message(status)), TF_Message(status));
  }
  for (int i = 0; i < num_inputs; i++) TF_DeleteTensor(given[i]);
  TF_DeleteStatus(status);
}

int main(int argc, char **argv) {
  const char *tags[] = {"serve"};
  int num_inputs, num_outputs;
  if (argc != 2) fail("usage: saved_model_client SAVED_MODEL");
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL,
                                                     status);
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));
  while (scanf("%d %d", &num_inputs, &num_outputs) == 2)
    answer(session, graph, num_inputs, num_outputs);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
